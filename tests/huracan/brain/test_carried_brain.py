"""A brain as people carry it about and ask it: what went wrong on the way is named by its cause."""

import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from huracan.agent.policy.checkpoint import load_policy
from huracan.brain.brain import Brain, load_brain
from huracan.brain.bundle import BundleParts, build_bundle
from huracan.brain.signature import generate_key_pair
from huracan.errors import HuracanError, InputRefused, InvalidInput
from tests.huracan.brain.conftest import ACTIONS, NAMES, WIDTH

PRIVATE, PUBLIC = generate_key_pair()


@pytest.fixture(scope="module")
def bundle(parts: BundleParts) -> dict[str, bytes]:
    return build_bundle(parts, PRIVATE)


@pytest.fixture(scope="module")
def brain(bundle: dict[str, bytes]) -> Brain:
    return load_brain(bundle, PUBLIC)


@pytest.fixture(scope="module")
def former() -> dict[str, bytes]:
    """A brain as the version before published it: by its policy the largest probability of all is taken."""
    with tarfile.open(Path(__file__).with_name("brain_of_version_2.tar.xz")) as archive:
        found = {each.name.removeprefix("./"): archive.extractfile(each) for each in archive if each.isfile()}
        return {name: content.read() for name, content in found.items() if content is not None}


@pytest.fixture
def folder(bundle: dict[str, bytes], tmp_path: Path) -> Path:
    for name, content in bundle.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_a_brain_of_the_version_before_loads_and_decides_by_the_largest_probability_of_all(
    former: dict[str, bytes], brain: Brain
) -> None:
    loaded = load_brain(former, former["public_key.txt"].decode().strip())
    generator = np.random.default_rng(4)
    rows = generator.normal(3.0, 20.0, (300, WIDTH)).astype(np.float32)
    masks = generator.random((300, len(ACTIONS))) < 0.6
    masks[:, 0] = True
    then, now = loaded.decide(rows, masks), brain.decide(rows, masks)
    assert np.array_equal(then.logits, now.logits), "the same policy"
    assert np.array_equal(then.actions, np.where(masks, then.logits + then.bias, -np.inf).argmax(axis=1))
    assert not np.array_equal(then.actions, now.actions)
    trader = load_policy(former["policy.safetensors"])
    assert np.array_equal(trader.decide(rows, masks).actions, then.actions)


def test_what_the_version_before_trained_is_published_as_what_it_is(
    former: dict[str, bytes], parts: BundleParts
) -> None:
    files = build_bundle(replace(parts, checkpoint=former["policy.safetensors"]), PRIVATE)
    assert json.loads(files["actions.json"])["kinds"] == [[name] for name in ACTIONS]
    assert json.loads(files["manifest.json"])["schema_version"] == 3
    rows, masks = np.full((1, WIDTH), 3.0, np.float32), np.ones((1, len(ACTIONS)), bool)
    said = load_brain(files, PUBLIC).decide(rows, masks)
    assert said.actions == said.probabilities.argmax()


def test_a_path_may_be_given_as_text(folder: Path, brain: Brain) -> None:
    assert load_brain(str(folder), PUBLIC).brain_id == brain.brain_id
    with pytest.raises(InputRefused, match="There is no brain at nowhere"):
        load_brain("nowhere", PUBLIC)


def test_the_home_of_a_path_is_found_and_an_address_is_none(
    folder: Path, brain: Brain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    assert load_brain(f"~/{folder.name}", PUBLIC).brain_id == brain.brain_id
    with pytest.raises(InvalidInput, match="by an address") as refused:
        load_brain("s3://key:secret@bucket/brain", PUBLIC)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("source", [None, 5, b"folder", ["policy.onnx"]])
def test_what_is_neither_folder_nor_files_is_refused(source: Any) -> None:
    with pytest.raises(InvalidInput, match=type(source).__name__):
        load_brain(source, PUBLIC)


@pytest.mark.parametrize("key", [None, b"key", Path("public_key.txt"), "", "äöü"])
def test_what_is_no_key_is_refused(bundle: dict[str, bytes], key: Any) -> None:
    with pytest.raises(InvalidInput, match="The public key is not 32 bytes"):
        load_brain(bundle, key)


def test_files_as_text_are_refused_by_name(bundle: dict[str, bytes]) -> None:
    with pytest.raises(InvalidInput, match=r"recipe\.json is a str"):
        load_brain({**bundle, "recipe.json": "{}"}, PUBLIC)  # type: ignore[dict-item]


@pytest.mark.parametrize("name", [".DS_Store", "._policy.onnx", ".gitattributes", ".writing-abc"])
def test_hidden_files_are_passed_over(folder: Path, brain: Brain, name: str) -> None:
    (folder / name).write_bytes(b"\x00\x05\x16\x07")
    (folder / ".git").mkdir()
    loaded = load_brain(folder, PUBLIC)
    assert loaded.brain_id == brain.brain_id and name not in loaded.files
    assert load_brain({**brain.files, name: b""}, PUBLIC).brain_id == brain.brain_id


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig", "public_key.txt", "actions.json"])
@pytest.mark.parametrize(
    ("convert", "cause"),
    [
        (lambda content: content.replace(b"\n", b"\r\n"), r"\(CRLF\)"),
        (lambda content: b"\xef\xbb\xbf" + content, "byte-order mark"),
        (lambda content: b"version https://git-lfs.github.com/spec/v1\nsize 9\n" + content[:0], "Git LFS"),
    ],
)
def test_a_file_that_was_converted_on_the_way_is_refused_by_the_cause(
    folder: Path, name: str, convert: Callable[[bytes], bytes], cause: str
) -> None:
    path = folder / name
    path.write_bytes(convert(path.read_bytes()))
    with pytest.raises(InputRefused, match=f"{name} .*{cause}"):
        load_brain(folder, PUBLIC)


def test_a_file_that_may_not_be_read_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InvalidInput, match="could not be read"):
        load_brain(folder, PUBLIC)


def test_lists_and_frames_are_decided_like_arrays(brain: Brain) -> None:
    rows = np.random.default_rng(4).normal(3.0, 20.0, (5, WIDTH)).astype(np.float32)
    masks = np.ones((5, len(ACTIONS)), bool)
    expected = brain.decide(rows, masks).actions.tolist()
    frame, legal = pd.DataFrame(rows, columns=list(NAMES)), pd.DataFrame(masks, columns=list(ACTIONS))
    given: list[tuple[Any, Any]] = [
        (rows.tolist(), masks.tolist()),
        (frame, legal),
        (frame.astype(object), masks),
    ]
    for observations, allowed in given:
        assert brain.decide(observations, allowed).actions.tolist() == expected


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame[[*NAMES[1:], NAMES[0]]], "Column 1 of the observations is 'column_1'"),
        (lambda frame: frame[list(NAMES[:-1])], f"Column {WIDTH} of the observations is None"),
        (lambda frame: frame.assign(more=1.0), f"Column {WIDTH + 1} of the observations is 'more'"),
        (lambda frame: frame.assign(column_3="much"), "no numbers in rows of one length"),
        (lambda frame: [["much"] * WIDTH] * 2, "of the type <U4"),
        (lambda frame: [[1.0, 2.0], [1.0]], "no numbers in rows of one length"),
        (lambda frame: None, "shape"),
        (lambda frame: frame.iloc[0].tolist(), "shape"),
    ],
)
def test_observations_of_another_make_are_refused_by_what_ails_them(
    brain: Brain, change: Callable[[pd.DataFrame], Any], words: str
) -> None:
    frame = pd.DataFrame(np.zeros((2, WIDTH), np.float32), columns=list(NAMES))
    with pytest.raises(HuracanError, match=words):
        brain.decide(change(frame), np.ones((2, len(ACTIONS)), bool))


@pytest.mark.parametrize("unknown", [float("nan"), None, "false"])
def test_a_mask_that_says_neither_yes_nor_no_is_refused(brain: Brain, unknown: object) -> None:
    masks = [[True] * (len(ACTIONS) - 1) + [unknown]]
    with pytest.raises(InvalidInput, match="masks are of the type"):
        brain.decide(np.zeros((1, WIDTH), np.float32), masks)  # type: ignore[arg-type]
