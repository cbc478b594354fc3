"""What the context adds to the logits: by hand, term by term, and never more than it says."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from huracan.agent.policy.bias_kernel import CompiledBias
from huracan.agent.policy.context_bias import TERMS, BiasConfig, ContextBias
from huracan.errors import InvalidInput
from huracan.market.actions import action_names
from huracan.market.observation import observation_names

COLUMNS = (
    "noise",
    "regime_panic",
    "position_unrealised",
    "position_age",
    "cost_in_volatility",
    "pattern_reliability",
)
ACTIONS = action_names(allow_short=False)
CALM = {"regime_panic": 0.1, "pattern_reliability": 0.6, "cost_in_volatility": 0.2}
CASES: list[tuple[str, dict[str, float], float, dict[str, float]]] = [
    # term, what is seen, how strongly the term applies, what is added to which logit
    (
        "panic",
        {"regime_panic": 0.7},
        0.5,
        {"HALF": -0.125, "FULL": -0.25, "ONE_AND_HALF": -0.375, "A": -0.25},
    ),
    ("panic", {"regime_panic": 1.0}, 1.0, {"HALF": -0.25, "FULL": -0.5, "ONE_AND_HALF": -0.75, "A": -0.5}),
    ("unreliable_pattern", {"pattern_reliability": 0.05}, 2 / 3, {"FULL": -1 / 12, "ONE_AND_HALF": -1 / 6}),
    ("losing", {"position_unrealised": -1.125, "position_age": 0.9}, 0.5, {"EXIT": 0.25}),
    ("losing_young", {"position_unrealised": -0.25, "position_age": 0.05}, 0.5, {"SCRATCH": 0.25}),
    ("losing_young", {"position_unrealised": -0.4, "position_age": 0.1875}, 0.5, {"SCRATCH": 0.25}),
    ("winning", {"position_unrealised": 1.5}, 0.5, {"SCALE_OUT": 0.25, "TRAIL": 0.1875}),
    ("costly", {"cost_in_volatility": 0.6}, 0.2, {"HALF": -0.1, "FULL": -0.1, "ONE_AND_HALF": -0.1}),
]


def _bias(config: BiasConfig | None = None, actions: tuple[str, ...] = ACTIONS) -> ContextBias:
    return ContextBias(COLUMNS, actions, config or BiasConfig())


def _row(**seen: float) -> NDArray[np.float32]:
    return np.array([[(CALM | seen).get(name, 0.0) for name in COLUMNS]], np.float32)


def _short(name: str) -> str:
    return {"ADD": "A"}.get(name, name.removeprefix("ENTER_"))


@pytest.mark.parametrize(("term", "seen", "strength", "added"), CASES)
def test_each_term_adds_what_its_formula_says(
    term: str, seen: dict[str, float], strength: float, added: dict[str, float]
) -> None:
    bias = _bias()
    row = _row(**seen)
    terms = dict(zip(TERMS, bias.terms(row)[0].tolist(), strict=True))
    assert terms[term] == pytest.approx(strength, abs=1e-6)
    assert [name for name, value in terms.items() if value] == [term]
    found = {_short(name): value for name, value in zip(ACTIONS, bias.apply(row)[0].tolist(), strict=True)}
    assert {name: value for name, value in found.items() if value} == pytest.approx(added, abs=1e-6)


def test_every_term_is_reached_by_a_case() -> None:
    assert {case[0] for case in CASES} == set(TERMS)


@pytest.mark.parametrize(
    "seen",
    [
        {"regime_panic": 0.5},
        {"pattern_reliability": 0.0},
        {"pattern_reliability": 0.15},
        {"position_unrealised": -0.75, "position_age": 0.25},
        {"position_unrealised": -0.1, "position_age": 0.0},
        {"position_unrealised": 1.0},
        {"cost_in_volatility": 0.5},
    ],
)
def test_at_its_threshold_a_term_adds_nothing(seen: dict[str, float]) -> None:
    assert not _bias().apply(_row(**seen)).any()


def test_terms_that_apply_together_add_up() -> None:
    row = _row(regime_panic=0.7, cost_in_volatility=0.6)
    half = ACTIONS.index("ENTER_HALF")
    assert _bias().apply(row)[0, half] == pytest.approx(-0.125 - 0.1, abs=1e-6)


def test_short_entries_are_biased_like_long_ones() -> None:
    names = action_names(allow_short=True)
    row = _row(regime_panic=0.8, pattern_reliability=0.05, cost_in_volatility=0.9)
    added = dict(zip(names, _bias(actions=names).apply(row)[0].tolist(), strict=True))
    assert added["ENTER_HALF"] < 0
    for size in ("HALF", "FULL", "ONE_AND_HALF"):
        assert added[f"ENTER_SHORT_{size}"] == added[f"ENTER_{size}"]


def test_the_bias_is_off_as_a_whole_and_needs_no_column_then() -> None:
    bias = ContextBias(("anything",), ACTIONS, BiasConfig(is_on=False))
    assert bias.apply(np.full((3, 1), 7.0, np.float32)).tolist() == [[0.0] * len(ACTIONS)] * 3
    assert not bias.terms(np.full((3, 1), 7.0, np.float32)).any()


@pytest.mark.parametrize("term", TERMS)
def test_a_term_of_strength_zero_is_off_alone(term: str) -> None:
    config = BiasConfig.from_json(json.dumps(asdict(BiasConfig()) | {f"{term}_strength": 0.0}))
    for name, seen, strength, _ in CASES:
        found = dict(zip(TERMS, _bias(config).terms(_row(**seen))[0].tolist(), strict=True))
        assert found[name] == pytest.approx(0.0 if name == term else strength, abs=1e-6)


def test_a_larger_strength_adds_in_proportion() -> None:
    row = _row(regime_panic=1.0)
    twice = _bias(replace(BiasConfig(), panic_strength=1.0)).apply(row)
    assert twice.tolist() == (2 * _bias().apply(row)).tolist()


def test_a_column_that_is_not_observed_is_named() -> None:
    with pytest.raises(InvalidInput, match="panic needs the column regime_panic"):
        ContextBias(COLUMNS[2:], ACTIONS, BiasConfig())
    ContextBias(COLUMNS[2:], ACTIONS, BiasConfig(panic_strength=0.0))


def test_a_market_observes_every_column_that_the_bias_needs() -> None:
    for names in (action_names(allow_short=False), action_names(allow_short=True)):
        bias = ContextBias(observation_names(("f0", "f1")), names, BiasConfig())
        assert bias.weights.any(axis=1).all()


def test_what_is_unknown_applies_no_term() -> None:
    row = np.full((1, len(COLUMNS)), np.nan, np.float32)
    assert not _bias().apply(row).any()


rows = arrays(np.float32, (40, len(COLUMNS)), elements=st.floats(-5, 5, width=32))


@given(rows, st.integers(1, 39))
@settings(max_examples=40, deadline=None)
def test_a_row_alone_decides_to_the_bit_whatever_lies_around_it(seen: NDArray[np.float32], cut: int) -> None:
    bias = _bias()
    whole = bias.apply(seen)
    assert np.array_equal(whole[:cut], bias.apply(seen[:cut]))
    assert np.array_equal(whole[cut:], bias.apply(np.asfortranarray(seen)[cut:]))
    scrambled = seen.copy()
    scrambled[cut:] = 9.0
    assert np.array_equal(bias.apply(scrambled)[:cut], whole[:cut])


@given(rows)
@settings(max_examples=40, deadline=None)
def test_the_bias_is_the_product_of_the_ramps_that_it_publishes(seen: NDArray[np.float32]) -> None:
    bias = _bias()
    ramps = np.clip(seen[:, bias.columns] * bias.slopes + bias.offsets, 0.0, 1.0)
    terms = ramps.prod(axis=2)
    assert np.allclose(bias.terms(seen), terms, atol=1e-6)
    assert np.allclose(bias.apply(seen), terms @ bias.weights, atol=1e-6)
    assert np.array_equal(bias.of_terms(bias.terms(seen)), bias.apply(seen))
    assert terms.min() >= 0
    assert np.abs(bias.apply(seen)).max() <= np.abs(bias.weights).sum(axis=0).max() + 1e-6


def test_the_settings_survive_json_and_bad_ones_are_refused() -> None:
    config = BiasConfig(panic_strength=1.25, is_on=False)
    assert BiasConfig.from_json(config.to_json()) == config
    with pytest.raises(InvalidInput, match="differ in panic_strength"):
        BiasConfig.from_json(config.to_json().replace("panic_strength", "strength_of_panic"))
    with pytest.raises(InvalidInput, match="cannot be read"):
        BiasConfig.from_json("{")
    with pytest.raises(InvalidInput, match="costly_strength was nan"):
        BiasConfig(costly_strength=float("nan"))
    with pytest.raises(InvalidInput, match="winning_full is not above"):
        BiasConfig(winning_from=2.0)


def test_a_term_may_begin_to_apply_at_0() -> None:
    bias = _bias(BiasConfig(panic_from=0.0, panic_full=0.5))
    assert bias.terms(_row(regime_panic=0.25))[0, TERMS.index("panic")] == pytest.approx(0.5)


@settings(deadline=None)
@given(
    rows=arrays(np.float32, (9, len(COLUMNS)), elements=st.floats(-3, 3, width=32) | st.just(np.nan)),
    allow_short=st.booleans(),
    off=st.sampled_from(("none", *TERMS)),
)
def test_compiled_it_gives_the_same_bits(rows: NDArray[np.float32], allow_short: bool, off: str) -> None:
    config = BiasConfig() if off == "none" else replace(BiasConfig(), **{f"{off}_strength": 0.0})
    bias = _bias(config, action_names(allow_short))
    assert CompiledBias(bias).apply(rows).tobytes() == bias.apply(rows).tobytes()
