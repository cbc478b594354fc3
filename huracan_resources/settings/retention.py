"""How long each table is kept. Tables are named as `huracan sql` names them; others are kept forever.

What reads a table back decides how short its days may be: see `huracan_assets.retention_needs`.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationInfo

from huracan.errors import InvalidInput
from huracan_resources.settings.sections import Block

FOREVER: Final = "forever"
Forever = Literal["forever"]
Days = Annotated[int, Field(ge=1)] | Forever
"""The newest nights whose rows are kept, or `forever`."""

_WHY_KEPT = {
    "trade_memory": "every search reads all of it",
    "trial_ledger": "the deflated Sharpe ratio counts every candidate ever tried",
}


def _never_deleted(value: Any, info: ValidationInfo) -> Any:
    if value == FOREVER:
        return value
    why = _WHY_KEPT.get(str(info.field_name), "trades, analyses and verdicts are what the nights are for")
    raise InvalidInput(
        f"The retention of {info.field_name} is {value}, but it is always kept: {why}.",
        f"Remove that setting, or write {FOREVER}.",
    )


Kept = Annotated[Forever, BeforeValidator(_never_deleted)]
"""A table that nothing deletes; it stands here so that a setting for it is refused with the reason."""


class LakeRetention(Block):
    """Tables of the lake. What has aged out of it can be made again only while its inputs are there."""

    ohlcv: Days = FOREVER
    ohlcv_quarantine: Days = FOREVER
    features: Days = FOREVER
    regimes: Days = FOREVER
    shadow_trades_session: Days = 90
    """Every bar of a session with its action and equity."""
    shadow_trades_decisions: Days = 90
    """Every decision of the policy, with what it saw."""
    shadow_signals: Days = 90
    gate_decisions: Days = 90
    shadow_scenarios: Days = FOREVER
    shadow_rivals: Days = FOREVER
    ppo_checkpoint_curve: Days = FOREVER
    feature_importance: Days = FOREVER
    gate_stats: Days = FOREVER
    model_performance: Days = FOREVER
    shadow_trades: Kept = FOREVER
    shadow_trades_fills: Kept = FOREVER
    trade_memory: Kept = FOREVER
    win_analysis: Kept = FOREVER
    loss_analysis: Kept = FOREVER
    loss_analysis_rules: Kept = FOREVER
    pattern_library: Kept = FOREVER
    pattern_nights: Kept = FOREVER
    post_exit_tracking: Kept = FOREVER
    exit_quality: Kept = FOREVER
    brain_evaluation: Kept = FOREVER


class DatabaseRetention(Block):
    """Tables of PostgreSQL."""

    shadow_signals: Days = 90
    shadow_scenarios: Days = FOREVER
    shadow_rivals: Days = FOREVER
    feature_importance: Days = FOREVER
    gate_stats: Days = FOREVER
    model_performance: Days = FOREVER
    shadow_trades: Kept = FOREVER
    trade_memory: Kept = FOREVER
    win_analysis: Kept = FOREVER
    loss_analysis: Kept = FOREVER
    pattern_library: Kept = FOREVER
    pattern_nights: Kept = FOREVER
    post_exit_tracking: Kept = FOREVER
    exit_quality: Kept = FOREVER
    brain_evaluation: Kept = FOREVER
    brain_registry: Kept = FOREVER
    trial_ledger: Kept = FOREVER


class DagsterRetention(Block):
    """Dagster's own records, in days of the calendar. What it knows of assets and checks is always kept."""

    event_log: Days = 90
    """What a run logged of its steps."""
    runs: Days = 90
    """Runs that made no asset and judged none, such as those of retention itself."""


class Retention(Block):
    """What ages out, and when."""

    lake: LakeRetention = LakeRetention()
    database: DatabaseRetention = DatabaseRetention()
    dagster: DagsterRetention = DagsterRetention()


def limited(block: Block) -> dict[str, int]:
    """Table to days, of those that are not kept forever."""
    return {name: days for name, days in block.model_dump().items() if isinstance(days, int)}
