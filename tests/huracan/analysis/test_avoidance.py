"""Avoidance rules as data: rounded, written and read back, and said in words."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.analysis.rules.avoidance import (
    SENTENCES,
    AvoidanceRule,
    distinct_rules,
    rounded_down,
    rounded_up,
    rule_sentences,
    rule_texts,
)
from huracan.analysis.rules.kinds import CHANGES, LEAVES, STRIKES
from huracan.errors import InputRefused


@given(st.floats(0.001, 60_000))
def test_rounding_keeps_its_direction_and_stays_near(value: float) -> None:
    down, up = rounded_down(np.array([value]))[0], rounded_up(np.array([value]))[0]
    assert down <= value <= up
    assert up / down <= 5 / 3 + 1e-9


def test_rounding_goes_to_few_steps() -> None:
    values = np.array([0.4, 1.0, 1.2, 1.5, 2.9, 4.0, 6.0, 9.9, 23.0])
    assert rounded_down(values).tolist() == pytest.approx([0.3, 1, 1, 1.5, 2, 3, 5, 7, 20])
    assert rounded_up(values).tolist() == pytest.approx([0.5, 1, 1.5, 1.5, 3, 5, 7, 10, 30])
    unknown = np.array([np.nan, 0.0, -3.0])
    assert np.isnan(rounded_down(unknown)).all()
    assert np.isnan(rounded_up(np.array([np.nan, np.inf, 1e6]))).all()


def test_a_rule_is_written_where_its_numbers_are_known_and_read_back() -> None:
    texts = rule_texts(
        "leave_adverse", {"volatilities": np.array([2.0, np.nan]), "first_minutes": np.full(2, 3.0)}, 2
    )
    assert texts[1].as_py() is None
    rule = AvoidanceRule.read(texts[0].as_py())
    assert (rule.kind, dict(rule.numbers)) == ("leave_adverse", {"volatilities": 2.0, "first_minutes": 3.0})
    assert rule.text == texts[0].as_py()
    assert rule.sentence == (
        "Leave if the price is 2 one-bar volatilities against the entry within the first 3 minutes."
    )
    assert rule_sentences(texts).to_pylist() == [rule.sentence, None]


def test_each_rule_is_tried_once() -> None:
    texts = rule_texts("leave_aged", {"minutes": np.array([20.0, 15.0, np.nan, 20.0])}, 4)
    assert [rule.numbers["minutes"] for rule in distinct_rules(texts)] == [15.0, 20.0]
    assert distinct_rules(pa.nulls(3, pa.string())) == []


def test_every_kind_has_a_sentence_and_does_exactly_one_thing() -> None:
    kinds = [*STRIKES, *LEAVES, *CHANGES]
    assert sorted(kinds) == sorted(SENTENCES) and len(set(kinds)) == len(kinds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"kind": "sell_everything"}',
        '{"kind": "leave_aged"}',
        '{"kind": "leave_aged", "minutes": "x"}',
    ],
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(InputRefused, match="no avoidance rule"):
        AvoidanceRule.read(text)
    assert json.loads(AvoidanceRule.read('{"kind": "leave_regime"}').text)["kind"] == "leave_regime"
