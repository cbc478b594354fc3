"""The asset `shadow_scenarios`: what the day's decisions were worth."""

import numpy as np

from huracan.market.what_if.scenario_tables import RIVALS_COLUMNS, SCENARIOS_COLUMNS
from huracan.tables import Table
from huracan_assets import shown
from huracan_assets.inputs import market_block
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.shadow import plots
from huracan_assets.stage import Check, Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"parquet", "postgres"},
    reads=[record("shadow_trades"), Read("features"), Read("regimes"), Read("ohlcv", days=2)],
    tables={
        "data": Table(SCENARIOS_COLUMNS, in_database=True),
        "rivals": Table(RIVALS_COLUMNS, name="shadow_rivals", in_database=True),
    },
    settings=["universe", "market"],
    checks=[Check("scenario_base", "The decisions replayed as they were make what the ledger says.")],
    is_record=True,
)
def shadow_scenarios(inputs: Inputs, context: StageContext) -> Outcome:
    """What the day's decisions would have made under other circumstances, and what others would have made.

    The stored actions are replayed with all costs half as much again and doubled, one bar later, and in a
    market of wider bars and more slippage; `break_even_fee_bps` is the fee at which the day nets nothing. On
    the same bars: doing nothing, buying and holding, and 200 draws of as many random entries, held as long.
    """
    from huracan.market.what_if.rivals import compare_with_rivals
    from huracan.market.what_if.scenarios import judge_scenario_base, run_scenarios

    if not inputs.has("shadow_trades"):
        return Outcome(note=f"No session was traded on {context.day}.")
    market, block = context.settings.market, market_block.priced_block(inputs, context.day)
    trades = inputs.table("shadow_trades")
    scenarios = run_scenarios(inputs.table("shadow_trades", "session"), block, market.rules, market.costs)
    generator = np.random.default_rng(context.day.toordinal())
    rivals, draws = compare_with_rivals(trades, block, market.rules, market.costs, generator)
    return Outcome(
        tables={"data": scenarios, "rivals": rivals},
        verdicts=[judge_scenario_base(scenarios, trades)],
        metadata={
            "scenarios": shown.top_rows(scenarios, 30),
            "rivals": shown.top_rows(rivals, 30),
            "picture": plots.scenarios_and_rivals(scenarios, rivals, draws),
        },
    )
