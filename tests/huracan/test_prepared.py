"""A compiled function that was prepared for one caller computes what the function itself does."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from huracan.agent.moments import Scaling, scale_rows
from huracan.compiled import compiled, prepared
from huracan.market.costs import CostAssumptions
from huracan.market.engine.kernel_numbers import conditions_of
from huracan.market.rules import TradingRules


def _scaled(call: object, rows: np.ndarray) -> tuple[int, np.ndarray]:
    width = rows.shape[1]
    out = np.empty(rows.shape, np.float32)
    shift, scale = np.full(width, 0.5, np.float32), np.full(width, 2.0, np.float32)
    lacks, columns = np.ones(width, bool), np.arange(width, dtype=np.uintp)
    scaling = Scaling(shift, scale, np.float32(3.0), lacks, columns)
    told = call(rows, scaling, out)  # type: ignore[operator]
    return told, out


def test_every_call_computes_anew_whatever_the_sizes() -> None:
    call, generator = prepared(scale_rows), np.random.default_rng(1)
    for rows, width in ((7, 3), (1, 3), (50, 4), (0, 2)):
        values = generator.normal(size=(rows, width)).astype(np.float32)
        if rows > 1:
            values[1, 1] = np.inf
        told, found = _scaled(call, values)
        expected, wanted = _scaled(scale_rows, values)
        assert told == expected == (width + 1 if rows > 1 else -1)
        assert np.array_equal(found, wanted)


def test_two_callers_may_give_arguments_of_different_types() -> None:
    rows = np.random.default_rng(2).normal(size=(6, 8)).astype(np.float32)
    for given in (rows, rows[:, ::2], np.asfortranarray(rows)):
        call = prepared(scale_rows)
        for _ in range(2):
            assert np.array_equal(_scaled(call, given)[1], _scaled(scale_rows, given)[1])


def test_several_threads_may_share_one_from_the_first_call_on() -> None:
    call, generator = prepared(scale_rows), np.random.default_rng(3)
    parts = [generator.normal(size=(200, 9)).astype(np.float32) for _ in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda rows: _scaled(call, rows)[1], parts))
    for rows, scaled in zip(parts, found, strict=True):
        assert np.array_equal(scaled, _scaled(scale_rows, rows)[1])


def test_numbers_of_rules_and_costs_are_read_at_every_call() -> None:
    @compiled
    def notional(conditions: object) -> float:
        return conditions.rules.notional_usd + conditions.costs.maximum_slippage_bps  # type: ignore[attr-defined]

    call = prepared(notional)
    for usd, slippage in ((1_000.0, 50.0), (2_000.0, 50.0), (500.0, 0.0)):
        rules, costs = TradingRules(notional_usd=usd), CostAssumptions(maximum_slippage_bps=slippage)
        assert call(conditions_of(rules, costs, 1)) == usd + slippage
