"""A brain is what was signed, to the byte, or it is refused with the file's name."""

import base64
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from huracan.agent.bias_config import BiasConfig
from huracan.agent.policy.checkpoint import save_policy
from huracan.agent.policy.greedy_policy import GreedyPolicy
from huracan.brain.brain import load_brain
from huracan.brain.bundle import BundleParts, build_bundle
from huracan.brain.golden import check_golden, make_golden
from huracan.brain.manifest import MANIFEST, SIGNATURE
from huracan.brain.policy_onnx import OUTPUTS, policy_to_onnx
from huracan.brain.policy_weights import answer, read_policy_weights, run_tower
from huracan.brain.signature import generate_key_pair, public_key_of, sign, verify
from huracan.errors import InputRefused, InvalidInput
from huracan.market.actions import action_names, mask_rules
from huracan.models.canonical import canonical_json
from tests.huracan.brain.conftest import NAMES, make_policy

PRIVATE, PUBLIC = generate_key_pair()
FILES = (
    "actions.json",
    "bias.json",
    "confidence.json",
    "conformal.json",
    "costs.json",
    "data.json",
    "evaluation.json",
    "gates.json",
    "golden.json",
    "manifest.json",
    "manifest.sig",
    "meta_label.json",
    "normaliser.json",
    "patterns.json",
    "policy.onnx",
    "policy.safetensors",
    "public_key.txt",
    "recipe.json",
    "regimes.json",
)


@pytest.fixture(scope="module")
def bundle(parts: BundleParts) -> dict[str, bytes]:
    return build_bundle(parts, PRIVATE)


def test_it_says_what_each_market_costs(bundle: dict[str, bytes]) -> None:
    told = json.loads(bundle["costs.json"])
    assert told["markets"] == {"BTC/USDT": {"kind": "spot", "taker_fee_bps": 10.0}}
    assert told["costs"]["taker_fee_bps"] is None


def some_rows(count: int = 400, actions: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Rows in which features are missing here and there, and each term of the bias is met at every height."""
    generator = np.random.default_rng(8)
    rows = generator.normal(3.0, 20.0, (count, len(NAMES))).astype(np.float32)
    rows[generator.random(rows.shape) < 0.05] = np.nan
    rows[:, 8:] = generator.uniform([0, -2, 0, 0, -0.05], [1, 2.5, 1, 1.5, 0.3], (count, 5))
    masks = generator.random((count, actions)) < 0.5
    masks[:, 0] = True
    return rows, masks


def test_the_same_parts_give_the_same_bytes(parts: BundleParts, bundle: dict[str, bytes]) -> None:
    assert tuple(bundle) == FILES
    assert build_bundle(parts, PRIVATE) == bundle


@pytest.mark.parametrize("allow_short", [False, True])
@pytest.mark.parametrize("config", [BiasConfig(), BiasConfig(losing_strength=0.0, costly_strength=3.0), None])
def test_a_loaded_brain_and_its_graph_decide_as_the_trained_policy_did(
    parts: BundleParts, allow_short: bool, config: BiasConfig | None
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    policy = make_policy(action_names(allow_short), config)
    checkpoint = save_policy(policy, {"seed": 5})
    files = build_bundle(replace(parts, checkpoint=checkpoint, mask_rules=mask_rules(allow_short)), PRIVATE)
    brain = load_brain(files, PUBLIC)
    rows, masks = some_rows(actions=len(action_names(allow_short)))
    ours, theirs = brain.decide(rows, masks), policy.decide(rows, masks)
    assert np.array_equal(ours.actions, theirs.actions)
    assert set(ours.actions.tolist()) == set(range(len(action_names(allow_short))))
    assert masks[np.arange(len(rows)), ours.actions].all()
    for name, room in (("logits", 1e-4), ("bias", 1e-6), ("probabilities", 1e-5), ("values", 1e-5)):
        assert np.abs(getattr(ours, name) - getattr(theirs, name)).max() < room, name
    assert (ours.probabilities[~masks] == 0.0).all()
    assert (np.abs(ours.bias).max() > 0) == (config is not None)
    session = onnxruntime.InferenceSession(files["policy.onnx"], providers=["CPUExecutionProvider"])
    answers = session.run(list(OUTPUTS), {"observations": rows, "masks": masks})
    for name, found in zip(OUTPUTS, answers, strict=True):
        assert np.abs(found - getattr(theirs, name)).max() < 1e-4, name
    largest = np.where(masks, theirs.logits + theirs.bias, -np.inf).argmax(axis=1)
    assert not np.array_equal(largest, theirs.actions), "kinds decide, not single actions"


def test_the_graph_survives_what_a_policy_refuses(policy: GreedyPolicy, bundle: dict[str, bytes]) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(bundle["policy.onnx"], providers=["CPUExecutionProvider"])
    rows, masks = some_rows(20)
    rows[0], rows[1], rows[2] = np.nan, np.inf, -np.inf
    weights = read_policy_weights(bundle["policy.safetensors"])
    said = answer(weights, rows, masks)
    answers = session.run(list(OUTPUTS), {"observations": rows, "masks": masks})
    for name, found in zip(OUTPUTS, answers, strict=True):
        assert np.isfinite(found).all() and np.abs(found - getattr(said, name)).max() < 1e-4, name
    for row in range(3):
        with pytest.raises(InputRefused, match=r"is -?(nan|inf)"):
            load_brain(bundle, PUBLIC).decide(rows[row : row + 1], masks[:1])


def test_the_files_alone_are_enough_to_compute_the_policy(bundle: dict[str, bytes]) -> None:
    scaling = json.loads(bundle["normaliser.json"])
    golden = json.loads(bundle["golden.json"])
    weights = read_policy_weights(bundle["policy.safetensors"])
    raw = np.array([[np.nan if v is None else v for v in row] for row in golden["observations"]])
    scaled = np.clip((raw - scaling["shift"]) * scaling["scale"], -scaling["clip"], scaling["clip"])
    logits = run_tower(weights.policy, np.nan_to_num(scaled).astype(np.float32))
    assert np.abs(logits - np.array(golden["logits"])).max() < 1e-4
    told, actions = json.loads(bundle["bias.json"]), json.loads(bundle["actions.json"])["actions"]
    bias = np.zeros((len(raw), len(actions)))
    for term in told["terms"]:
        height = np.full(len(raw), 1.0 if term["ramps"] else 0.0)
        for ramp in term["ramps"]:
            column = raw[:, scaling["columns"].index(ramp["column"])]
            height *= np.clip(np.nan_to_num(column * ramp["slope"] + ramp["offset"]), 0, 1)
        bias += height[:, None] * [term["adds"][action] for action in actions]
    assert np.abs(bias - np.array(golden["bias"])).max() < 1e-5
    assert len(np.unique(np.array(golden["bias_terms"]) > 0, axis=0)) > 4


def test_the_files_alone_say_which_action_is_taken(bundle: dict[str, bytes]) -> None:
    golden, told = json.loads(bundle["golden.json"]), json.loads(bundle["actions.json"])
    assert "most probable kind" in told["rule"] and ["EXIT", "SCRATCH"] in told["kinds"]
    for chances, action in zip(golden["probabilities"], golden["actions"], strict=True):
        chance = dict(zip(told["actions"], chances, strict=True))
        kind = max(told["kinds"], key=lambda names: sum(chance[name] for name in names))
        assert max(kind, key=chance.__getitem__) == told["actions"][action]


def test_it_loads_from_a_directory(bundle: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in bundle.items():
        (tmp_path / name).write_bytes(content)
    assert load_brain(tmp_path, PUBLIC).files == bundle
    (tmp_path / "nested").mkdir()
    with pytest.raises(InputRefused, match="nested"):
        load_brain(tmp_path, PUBLIC)
    with pytest.raises(InputRefused):
        load_brain(tmp_path / "absent", PUBLIC)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_refused_by_name(bundle: dict[str, bytes], name: str) -> None:
    named = name if name != SIGNATURE else MANIFEST
    generator = np.random.default_rng(1)
    content = bundle[name]
    for index in {0, len(content) - 1, *generator.integers(0, len(content), 6).tolist()}:
        flipped = bytearray(content)
        flipped[index] ^= 1 << int(generator.integers(0, 8))
        with pytest.raises(InputRefused, match=named):
            load_brain({**bundle, name: bytes(flipped)}, PUBLIC)
    for cut in (content[:-1], b"", content + b"\n"):
        with pytest.raises(InputRefused, match=named):
            load_brain({**bundle, name: cut}, PUBLIC)
    with pytest.raises(InputRefused, match=name):
        load_brain({key: value for key, value in bundle.items() if key != name}, PUBLIC)


def test_a_file_that_was_slipped_in_is_refused(bundle: dict[str, bytes]) -> None:
    with pytest.raises(InputRefused, match=r"extra\.txt"):
        load_brain({**bundle, "extra.txt": b""}, PUBLIC)


def test_another_signer_is_refused_even_with_a_whole_bundle(parts: BundleParts) -> None:
    stranger, _ = generate_key_pair()
    with pytest.raises(InputRefused, match=MANIFEST):
        load_brain(build_bundle(parts, stranger), PUBLIC)


def test_a_policy_that_answers_otherwise_is_refused(bundle: dict[str, bytes]) -> None:
    weights = read_policy_weights(bundle["policy.safetensors"])
    golden = json.loads(canonical_json(make_golden(weights)))
    check_golden(weights, golden)
    head, bias = weights.policy[-1]
    changed = replace(weights, policy=(*weights.policy[:-1], (head, bias + np.float32(0.01))))
    with pytest.raises(InputRefused, match=r"golden\.json"):
        check_golden(changed, golden)
    by_action = replace(weights, action_kinds=weights.action_names)
    with pytest.raises(InputRefused, match=r"does not take the actions of golden\.json"):
        check_golden(by_action, golden)


def test_a_simulated_brain_is_never_live_eligible(parts: BundleParts, real_parts: BundleParts) -> None:
    assert not load_brain(build_bundle(parts, PRIVATE), PUBLIC).is_live_eligible
    assert load_brain(build_bundle(real_parts, PRIVATE), PUBLIC).is_live_eligible
    with pytest.raises(InvalidInput):
        build_bundle(replace(real_parts, is_simulated=True), PRIVATE)


@pytest.mark.parametrize("change", [{"code_version": "of later"}, {"valid_days": 8}, {"timeframe": "5m"}])
def test_another_manifest_is_another_brain_and_the_same_is_the_same(
    parts: BundleParts, bundle: dict[str, bytes], change: dict[str, object]
) -> None:
    ids = {
        json.loads(build_bundle(each, PRIVATE)[MANIFEST])["brain_id"]
        for each in (parts, replace(parts), replace(parts, **change))
    }
    assert len(ids) == 2 and json.loads(bundle[MANIFEST])["brain_id"] in ids


def test_a_brain_whose_id_an_older_version_made_of_its_files_alone_loads_by_it(
    bundle: dict[str, bytes],
) -> None:
    manifest = canonical_json({**json.loads(bundle[MANIFEST]), "brain_id": "2025-06-30-0123456789ab"})
    old = {**bundle, MANIFEST: manifest, SIGNATURE: sign(PRIVATE, manifest)}
    assert load_brain(old, PUBLIC).brain_id == "2025-06-30-0123456789ab"


def test_a_brain_expires_a_week_after_its_day(bundle: dict[str, bytes]) -> None:
    brain = load_brain(bundle, PUBLIC)
    assert brain.brain_id.startswith("2025-06-30-")
    assert brain.is_expired(datetime(2025, 6, 30, 23, 59, tzinfo=UTC))
    assert not brain.is_expired(datetime(2025, 7, 1, tzinfo=UTC))
    assert brain.is_expired(datetime(2025, 7, 8, tzinfo=UTC))
    with pytest.raises(InvalidInput):
        brain.is_expired(datetime(2025, 7, 1))  # noqa: DTZ001


def test_parts_that_contradict_each_other_are_refused(parts: BundleParts) -> None:
    with pytest.raises(InvalidInput):
        build_bundle(replace(parts, mask_rules={"WAIT": "always"}), PRIVATE)
    with pytest.raises(InputRefused):
        build_bundle(replace(parts, checkpoint=parts.checkpoint[:-9]), PRIVATE)


def test_wrong_observations_or_masks_are_refused(bundle: dict[str, bytes]) -> None:
    brain = load_brain(bundle, PUBLIC)
    rows, masks = some_rows(3)
    with pytest.raises(InvalidInput):
        brain.decide(rows[:, :5], masks)
    with pytest.raises(InvalidInput):
        brain.decide(rows, masks[:, :2])
    with pytest.raises(InvalidInput):
        brain.decide(rows, np.zeros_like(masks))


def test_the_onnx_graph_is_a_function_of_the_weights(bundle: dict[str, bytes]) -> None:
    weights = read_policy_weights(bundle["policy.safetensors"])
    assert policy_to_onnx(weights) == bundle["policy.onnx"]


def test_signatures_are_deterministic_and_bound_to_key_and_content() -> None:
    signature = sign(PRIVATE, b"content")
    assert signature == sign(PRIVATE, b"content")
    assert public_key_of(PRIVATE) == PUBLIC
    verify(PUBLIC, b"content", signature, "it")
    with pytest.raises(InputRefused):
        verify(PUBLIC, b"content!", signature, "it")
    with pytest.raises(InputRefused):
        verify(generate_key_pair()[1], b"content", signature, "it")
    with pytest.raises(InvalidInput):
        sign("no key", b"content")


def test_the_signature_is_the_published_one() -> None:
    # RFC 8032, section 7.1, test 2.
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    expected = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    signature = sign(base64.b64encode(seed).decode(), bytes.fromhex("72"))
    assert base64.b64decode(signature).hex() == expected


def test_loading_a_brain_needs_neither_torch_nor_a_compiler(bundle: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in bundle.items():
        (tmp_path / name).write_bytes(content)
    script = (
        "import sys, pathlib; from huracan.brain.brain import load_brain;"
        "load_brain(pathlib.Path(sys.argv[1]), sys.argv[2]);"
        "print([name for name in ('torch', 'numba', 'lightgbm', 'sklearn', 'onnx') if name in sys.modules])"
    )
    command = [sys.executable, "-c", script, str(tmp_path), PUBLIC]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
