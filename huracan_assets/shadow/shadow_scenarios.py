"""The asset `shadow_scenarios`: what the day's decisions were worth."""

import numpy as np

from huracan.market.what_if.scenario_tables import RIVALS_COLUMNS, SCENARIOS_COLUMNS
from huracan.tables import Table
from huracan_assets import shown
from huracan_assets.inputs import market_block
from huracan_assets.inputs.accounts import CARRIED_IN, OPEN_POSITIONS, carried_in, opening_again
from huracan_assets.inputs.windows import day_with_lead
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.shadow import plots
from huracan_assets.stage import Check, Outcome, StageContext, stage


@stage(
    job=TRADE,
    kinds={"parquet", "postgres"},
    reads=[
        record("shadow_trades"),
        CARRIED_IN,
        Read("features", days=2),
        Read("regimes", days=2, table="data"),
        Read("ohlcv", days=day_with_lead),
        Read("market_costs", days=2),
    ],
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

    The stored actions are replayed from what the day began with, with all costs half as much again and
    doubled, a decision later, and in a market of wider bars and more slippage; what is open at the day's end
    counts at liquidation value. `break_even_fee_bps` is the fee at which that nets nothing. On the same bars:
    doing nothing, buying and holding, and random rivals: the trades that the brain entered on the day, all
    moved by one offset.
    """
    from huracan.market.what_if.rivals import compare_with_rivals
    from huracan.market.what_if.scenarios import PlayedDay, judge_scenario_base, run_scenarios

    if not inputs.has("shadow_trades"):
        return Outcome(note=f"No session was traded on {context.day}.")
    settings, market = context.settings, context.settings.market
    block = market_block.priced_paper_block(inputs, settings, context.day)
    carried = carried_in(inputs, settings, context.day)
    opening = opening_again(carried, block, inputs, settings, context.day)
    day = PlayedDay(inputs.table("shadow_trades", "session"), opening)
    trades, accounts = inputs.table("shadow_trades"), inputs.table("shadow_trades", OPEN_POSITIONS)
    scenarios = run_scenarios(day, market.rules, market.costs)
    generator = np.random.default_rng(context.day.toordinal())
    rivals, draws = compare_with_rivals(day, market.rules, market.costs, generator)
    return Outcome(
        tables={"data": scenarios, "rivals": rivals},
        verdicts=[judge_scenario_base(day, market.rules, market.costs, trades, accounts)],
        metadata={
            "scenarios": shown.top_rows(scenarios, 30),
            "rivals": shown.top_rows(rivals, 30),
            "picture": plots.scenarios_and_rivals(scenarios, rivals, draws),
        },
    )
