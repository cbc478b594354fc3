"""Bytes out, the same policy in; anything else is refused."""

import json
import math
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from huracan.agent.layout import initial_weights, weight_names
from huracan.agent.normaliser import Normaliser
from huracan.agent.policy.checkpoint import load_policy, model_id_of, read_agreement, save_policy
from huracan.agent.policy.context_bias import BiasConfig, ContextBias
from huracan.agent.policy.greedy_policy import GreedyPolicy
from huracan.agent.policy.sealed_tensors import seal, unseal
from huracan.errors import InputRefused, InvalidInput
from huracan.market.actions import action_kinds, action_names
from huracan.market.observation import observation_names

NAMES = observation_names(("a", "b", "never"))
LONG, BOTH = action_names(False), action_names(True)
WIDTH = len(NAMES)


@pytest.fixture
def make_policy() -> Callable[..., GreedyPolicy]:
    def make(actions: tuple[str, ...] = LONG, has_bias: bool = True) -> GreedyPolicy:
        generator = np.random.default_rng(0)
        normaliser = Normaliser(WIDTH, [index < 3 for index in range(WIDTH)])
        rows = generator.normal(4.0, 2.0, (100, WIDTH))
        rows[:, 2] = 5.0
        normaliser.update(rows)
        weights = initial_weights(WIDTH, len(actions), (8, 8), generator)
        bias = ContextBias(NAMES, actions, BiasConfig()) if has_bias else None
        return GreedyPolicy(weights, (8, 8), normaliser, NAMES, actions, bias, 1.7)

    return make


@pytest.fixture
def policy(make_policy: Callable[..., GreedyPolicy]) -> GreedyPolicy:
    return make_policy()


def _seen(rows: int, actions: int = len(LONG)) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    generator = np.random.default_rng(2)
    seen = generator.normal(0.0, 2.0, (rows, WIDTH)).astype(np.float32)
    seen[::7, 1] = np.nan
    masks = generator.random((rows, actions)) > 0.3
    masks[:, 0] = True
    return seen, masks


def test_a_policy_that_has_decided_travels_between_processes_and_decides_the_same(
    policy: GreedyPolicy,
) -> None:
    seen, masks = _seen(30)
    told = policy.decide(seen, masks)
    travelled = pickle.dumps(policy)
    assert len(travelled) < 4 * policy.weights.nbytes + 20_000, "what it computes with stays here"
    again = pickle.loads(travelled).decide(seen, masks)
    assert np.array_equal(again.logits, told.logits) and np.array_equal(again.actions, told.actions)


@pytest.mark.parametrize("actions", [LONG, BOTH])
@pytest.mark.parametrize("has_bias", [True, False])
def test_a_loaded_policy_decides_the_same_to_the_bit(
    make_policy: Callable[..., GreedyPolicy], actions: tuple[str, ...], has_bias: bool
) -> None:
    policy = make_policy(actions, has_bias)
    checkpoint = save_policy(policy, {"seed": 1})
    loaded = load_policy(checkpoint, NAMES, actions)
    seen, masks = _seen(500, len(actions))
    before, after = policy.decide(seen, masks), loaded.decide(seen, masks)
    for name in ("actions", "logits", "bias", "bias_terms", "probabilities", "values"):
        assert np.array_equal(getattr(before, name), getattr(after, name))
    assert loaded.model_id == model_id_of(checkpoint)


def test_a_decision_is_the_most_probable_kind_and_action_of_logits_and_bias(policy: GreedyPolicy) -> None:
    seen, masks = _seen(400)
    found = policy.decide(seen, masks)
    assert policy.bias is not None
    assert np.array_equal(found.bias_terms, policy.bias.terms(seen))
    assert np.array_equal(found.bias, policy.bias.apply(seen))
    assert np.abs(found.bias).max() > 0.1
    powers = np.where(masks, np.exp((found.logits + found.bias).astype(np.float64)), 0.0)
    assert found.probabilities == pytest.approx(powers / powers.sum(axis=1, keepdims=True), abs=1e-6)
    assert (found.probabilities[~masks] == 0.0).all()
    kinds = np.array(action_kinds(LONG))
    sums = np.stack([powers[:, kinds == kind].sum(axis=1) for kind in kinds], axis=1)
    largest = sums >= sums.max(axis=1, keepdims=True) * (1 - 1e-12)
    assert np.array_equal(found.actions, np.where(largest & masks, powers, -1.0).argmax(axis=1))
    assert found.kinds == action_kinds(LONG)
    plain = replace(policy, bias=None).decide(seen, masks)
    assert np.array_equal(plain.logits, found.logits)
    assert not np.array_equal(plain.actions, found.actions)


def test_a_policy_of_the_format_before_loads_and_decides_by_the_largest_probability_of_all(
    policy: GreedyPolicy,
) -> None:
    seen, masks = _seen(400)
    now = save_policy(policy, {"seed": 1})
    before = _resealed(now, format="huracan-policy-2")
    loaded = load_policy(before, NAMES, LONG)
    found = loaded.decide(seen, masks)
    assert np.array_equal(found.actions, np.where(masks, found.logits + found.bias, -np.inf).argmax(axis=1))
    assert found.kinds == () and not np.array_equal(found.actions, policy.decide(seen, masks).actions)
    assert save_policy(loaded, {"seed": 1}) == before, "what it decides by is kept"
    assert read_agreement(now)["format"] == "huracan-policy-3"


def test_values_are_in_the_units_of_the_reward(policy: GreedyPolicy) -> None:
    seen, masks = _seen(50)
    scaled, plain = (
        policy.decide(seen, masks).values,
        replace(policy, value_scale=1.0).decide(seen, masks).values,
    )
    assert scaled == pytest.approx(1.7 * plain)


@pytest.mark.parametrize("rows", [1, 2, 7, 130])
def test_a_rows_decision_does_not_depend_on_what_else_is_in_the_batch(
    policy: GreedyPolicy, rows: int
) -> None:
    seen, masks = _seen(300)
    whole, part = policy.decide(seen, masks), policy.decide(seen[170 - rows : 170], masks[170 - rows : 170])
    for name in ("actions", "logits", "bias", "bias_terms", "probabilities", "values"):
        assert np.array_equal(getattr(whole, name)[170 - rows : 170], getattr(part, name))


def test_a_column_that_never_varied_in_training_moves_no_decision(policy: GreedyPolicy) -> None:
    seen, masks = _seen(100)
    moved = seen.copy()
    moved[:, 2] = 1e5
    assert np.array_equal(policy.decide(seen, masks).logits, policy.decide(moved, masks).logits)


def test_the_same_policy_gives_the_same_bytes(policy: GreedyPolicy) -> None:
    assert save_policy(policy, {"b": 1, "a": 2}) == save_policy(policy, {"a": 2, "b": 1})


def test_the_header_says_what_the_policy_was_trained_on(policy: GreedyPolicy) -> None:
    agreement = read_agreement(save_policy(policy, {"seed": 9}))
    assert agreement["observation_names"] == list(NAMES)
    assert agreement["action_names"] == list(LONG)
    assert agreement["training"] == {"seed": 9}
    assert agreement["bias"]["panic_strength"] == 0.5
    assert agreement["bias_terms"][0] == "panic"


def test_other_columns_are_refused(policy: GreedyPolicy) -> None:
    checkpoint = save_policy(policy, {})
    with pytest.raises(InputRefused, match="other columns"):
        load_policy(checkpoint, (*NAMES[:-1], "else"))
    with pytest.raises(InputRefused, match="their order"):
        load_policy(checkpoint, (NAMES[1], NAMES[0], *NAMES[2:]))


def test_decisions_on_bars_of_another_length_are_refused(policy: GreedyPolicy) -> None:
    checkpoint = save_policy(policy, {"decision_minutes": 1})
    assert load_policy(checkpoint, NAMES, decision_minutes=1).observation_names == NAMES
    with pytest.raises(InputRefused, match="decide every 1 minutes, not every 60"):
        load_policy(checkpoint, NAMES, decision_minutes=60)


def test_a_day_is_never_traded_by_a_checkpoint_that_was_trained_on_it(policy: GreedyPolicy) -> None:
    checkpoint = save_policy(policy, {"last_day": "2025-03-04"})
    assert load_policy(checkpoint, NAMES, trades=date(2025, 3, 5)).observation_names == NAMES
    for day in (date(2025, 3, 4), date(2025, 1, 1)):
        with pytest.raises(InputRefused, match="trained on days up to 2025-03-04"):
            load_policy(checkpoint, NAMES, trades=day)


def test_a_long_only_policy_is_refused_where_the_rules_sell_short(
    make_policy: Callable[..., GreedyPolicy],
) -> None:
    with pytest.raises(InputRefused, match="only one of them sells short"):
        load_policy(save_policy(make_policy(LONG), {}), NAMES, BOTH)
    with pytest.raises(InputRefused, match="only one of them sells short"):
        load_policy(save_policy(make_policy(BOTH), {}), NAMES, LONG)


def test_a_cut_or_foreign_checkpoint_is_refused(policy: GreedyPolicy) -> None:
    checkpoint = save_policy(policy, {})
    for damaged in (b"", b"hello", checkpoint[:-10], checkpoint[:100], b"\xff" * 200, checkpoint + b"0"):
        with pytest.raises(InputRefused):
            load_policy(damaged)


def test_a_checkpoint_of_which_any_byte_was_altered_is_refused(policy: GreedyPolicy) -> None:
    checkpoint = save_policy(policy, {"seed": 1})
    header = 8 + int.from_bytes(checkpoint[:8], "little")
    generator = np.random.default_rng(5)
    # Blanks at the end of the header pad it and mean nothing.
    padding = header - len(checkpoint[:header].rstrip(b" "))
    indices = [*generator.integers(8, header - padding, 60), *generator.integers(header, len(checkpoint), 60)]
    for index in indices:
        altered = bytearray(checkpoint)
        altered[index] ^= 1
        with pytest.raises(InputRefused):
            load_policy(bytes(altered))


def _resealed(checkpoint: bytes, **changes: object) -> bytes:
    tensors, agreement = unseal(checkpoint)
    return seal(tensors, {**agreement, **changes})


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"hidden": [8, 4]}, "damaged"),
        ({"action_names": ["WAIT", "ENTER_FOOL"]}, "another list of actions"),
        ({"action_version": 1}, "another list of actions"),
        ({"observation_version": 1}, "another version of the observation"),
        ({"format": "huracan-policy-1"}, "format is 'huracan-policy-1'"),
        ({"bias_terms": ["panic"]}, "another contextual bias"),
        ({"bias": {"unknown": 1.0}}, "another contextual bias"),
        ({"normaliser_clip": "much"}, "damaged"),
        ({"normaliser_clip": math.inf}, "damaged"),
        ({"normaliser_clip": math.nan}, "damaged"),
        ({"normaliser_clip": 0.0}, "damaged"),
        ({"normaliser_clip": -10.0}, "damaged"),
        ({"value_scale": math.inf}, "damaged"),
        ({"value_scale": math.nan}, "damaged"),
        ({"value_scale": 0.0}, "damaged"),
        ({"value_scale": -1.0}, "damaged"),
        ({"activation": "relu"}, "'relu' and not of 'tanh'"),
        ({"bias": None}, "damaged"),
        ({"bias": None, "bias_terms": []}, "damaged"),
    ],
)
def test_another_agreement_is_refused_with_its_reason(
    policy: GreedyPolicy, changes: dict[str, object], word: str
) -> None:
    with pytest.raises(InputRefused, match=word):
        load_policy(_resealed(save_policy(policy, {}), **changes))


def test_a_bias_that_this_version_would_compute_otherwise_is_refused(policy: GreedyPolicy) -> None:
    tensors, agreement = unseal(save_policy(policy, {}))
    tensors["bias.weights"] = tensors["bias.weights"] * 2
    with pytest.raises(InputRefused, match="another contextual bias"):
        load_policy(seal(tensors, agreement))


@pytest.mark.parametrize("hidden", [[], [0], [-8]])
def test_a_network_without_a_hidden_layer_is_refused(policy: GreedyPolicy, hidden: list[int]) -> None:
    tensors, agreement = unseal(save_policy(policy, {}))
    for name, shape in weight_names(WIDTH, len(LONG), tuple(abs(size) for size in hidden)).items():
        tensors[f"network.{name}"] = np.zeros(shape, np.float32)
    with pytest.raises(InputRefused, match="damaged"):
        load_policy(seal(tensors, {**agreement, "hidden": hidden}))


def test_a_weight_that_is_no_number_is_refused(policy: GreedyPolicy) -> None:
    tensors, agreement = unseal(save_policy(policy, {}))
    tensors["network.value.2.weight"] = tensors["network.value.2.weight"].copy()
    tensors["network.value.2.weight"][3, 3] = np.nan
    with pytest.raises(InputRefused, match="damaged"):
        load_policy(seal(tensors, agreement))


def test_the_header_is_plain_json_in_one_key(policy: GreedyPolicy) -> None:
    checkpoint = save_policy(policy, {})
    header = json.loads(checkpoint[8 : 8 + int.from_bytes(checkpoint[:8], "little")])
    assert list(header["__metadata__"]) == ["huracan"]


def test_rows_of_another_width_and_rows_without_an_action_are_refused(policy: GreedyPolicy) -> None:
    seen, masks = _seen(4)
    with pytest.raises(InvalidInput, match="shape"):
        policy.decide(seen[:, :-1], masks)
    with pytest.raises(InvalidInput, match="shape"):
        policy.decide(seen, masks[:, :-1])
    with pytest.raises(InvalidInput, match="no legal action"):
        policy.decide(seen, np.zeros_like(masks))
    seen[2, 0] = np.inf
    with pytest.raises(InputRefused, match="Column 0 of observation 2 is inf"):
        policy.decide(seen, masks)
