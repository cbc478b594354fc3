"""The asset `controls`: what the verdict must never do, tried on a small sample."""

import json

import pyarrow as pa

from huracan.proof.leaks.columns import LEAK_COLUMNS, judge_leaks
from huracan.proof.promotion.control_columns import CONTROLS_COLUMNS, judge_controls
from huracan.tables import Table, arrow_schema
from huracan_assets import shown
from huracan_assets.jobs import PUBLISH
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Outcome, StageContext, stage

_BEFORE, _LEAKS, _VERSION_FILE = "before", "leaks", "version.json"


@stage(
    job=PUBLISH,
    kinds={"parquet"},
    reads=[
        Read("controls", key=_BEFORE, ends=-1, optional=True, edge=False, is_record=True, may_lack_days=True)
    ],
    tables={"data": Table(CONTROLS_COLUMNS), _LEAKS: Table(LEAK_COLUMNS)},
    settings=["promotion"],
    checks=[
        Check("no_skill_no_promotion", "No policy without skill is promoted in the sample, or no brain is."),
        Check("planted_leaks_stopped", "Every leak of the future that is planted is stopped by a check."),
    ],
    expected_minutes=0.5,
    is_record=True,
)
def controls(inputs: Inputs, context: StageContext) -> Outcome:
    """Policies without skill, none of which may be promoted, and planted leaks of the future, each of which a
    check must stop.

    The sample has fixed seeds and is tried again when the code or the settings that judge have changed; else
    what the night before found stands.
    """
    # It brings the compiled market.
    from huracan.proof.controls import controls_version, run_controls, run_leaks

    version = {"code": controls_version(), "settings": context.settings.digest("promotion")}
    stands = json.loads(inputs.file(_BEFORE, _VERSION_FILE) or b"{}") == version
    if stands:
        table, leaks = inputs.table(_BEFORE), inputs.table(_BEFORE, _LEAKS)
    else:
        rows = run_controls(context.settings.promotion)
        table = pa.Table.from_pylist(rows, schema=arrow_schema(CONTROLS_COLUMNS))
        leaks = pa.Table.from_pylist(run_leaks(), schema=arrow_schema(LEAK_COLUMNS))
    return Outcome(
        tables={"data": table, _LEAKS: leaks},
        files={_VERSION_FILE: json.dumps(version, sort_keys=True).encode()},
        verdicts=[judge_controls(table.to_pylist()), judge_leaks(leaks.to_pylist())],
        # Nothing of it is of any candles; who reads it beside them asks for one source.
        source=context.resources.candle_source.identity.label,
        is_simulated=context.resources.candle_source.identity.is_simulated,
        metadata={
            "tried": "as the night before found it"
            if stands
            else "tonight, because code or settings changed",
            "markets": shown.top_rows(table, 30),
            "leaks": shown.top_rows(leaks, 100),
        },
    )
