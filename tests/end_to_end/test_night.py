"""Two small nights through the real command: what they make, judge, publish, and tell Dagster."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pyarrow.compute as pc
import pytest

from huracan.brain.brain import load_brain
from huracan.brain.signature import generate_key_pair, public_key_of
from huracan.errors import InputRefused
from huracan.gates.roster import gate_kinds
from huracan.market.paper.conservation import judge_ledger
from huracan.market.paper.guarded_columns import INTERVENTIONS_SCHEMA
from huracan.market.paper.session import Session
from huracan_assets.jobs import LEARN, MARKET, PUBLISH, TRADE
from huracan_assets.registry import stages
from huracan_resources.brains import read_latest
from huracan_resources.database.partition_rows import PartitionRows
from huracan_resources.lake.store import LocalStore
from tests.end_to_end.command import DAY, Answer, Home, assert_whole
from tests.end_to_end.conftest import MakeHome
from tests.end_to_end.night import Night

NEXT_DAY = DAY + timedelta(days=1)
ASSETS = {stage.name for stage in stages()}


def test_a_night_makes_every_asset_of_the_graph_for_its_day(home: Home, first_night: Answer) -> None:
    assert set(first_night.summary["assets"]) == ASSETS
    for stage in stages():
        manifest = home.lake.manifest(stage.name, DAY)
        assert manifest is not None, stage.name
        assert manifest.content_hash == first_night.hashes[stage.name]
        assert not manifest.failed_verdicts
        assert manifest.is_simulated and manifest.source.startswith("simulated#")
        is_empty = manifest.note and not manifest.files
        expected = set() if is_empty else {check.name for check in stage.checks}
        assert {verdict.check for verdict in manifest.verdicts} == expected, stage.name


def test_a_night_that_ends_well_prints_one_object_and_nothing_else(first_night: Answer) -> None:
    summary = first_night.summary
    assert first_night.err == ""
    assert summary["is_success"] and summary["day"] == DAY.isoformat() and summary["source"] == "simulated"
    assert all(run["is_success"] and run["error"] == "" for run in summary["runs"])
    history = [DAY - timedelta(days=back) for back in range(6, 0, -1)]
    planned = [(MARKET, day) for day in history] + [(LEARN, DAY - timedelta(days=1))]
    planned += [(job, DAY) for job in (MARKET, TRADE, LEARN, PUBLISH)]
    assert [(run["job"], date.fromisoformat(run["day"])) for run in summary["runs"]] == planned


def test_the_lake_of_a_night_holds_no_file_without_a_manifest(home: Home, first_night: Answer) -> None:
    assert_whole(home.lake)


def test_the_small_night_trades_learns_and_explains(home: Home, first_night: Answer) -> None:
    rows = {name: asset["rows"] for name, asset in first_night.summary["assets"].items()}
    trades = home.lake.read_table("shadow_trades", DAY).num_rows
    assert trades > 60
    assert rows["trade_memory"] == trades + rows["explored_trades"] and rows["explored_trades"] > 10
    assert rows["win_analysis"] + rows["loss_analysis"] == trades
    assert rows["feature_importance"] > 45 and rows["pattern_library"] > 0
    decided = home.lake.read_table("gate_decisions", DAY)
    for book, asset in (("policy", "shadow_trades"), ("explored", "explored_trades")):
        own = decided.filter(pc.equal(decided["book"], book))
        traded = home.lake.read_table(asset, DAY)["trade_id"]
        assert set(pc.unique(own["trade_id"].drop_null()).to_pylist()) == set(traded.to_pylist())
    untraded = home.lake.read_table("shadow_trades", DAY, "untraded").num_rows
    others = decided.filter(pc.is_null(decided["trade_id"]))
    assert untraded > 0 and others.num_rows == untraded * (len(gate_kinds()) + 1)


def test_every_fill_of_a_night_is_stored_and_the_stored_ledger_passes_its_audit(
    home: Home, second_night: Answer
) -> None:
    accounts = None
    for day in (DAY, NEXT_DAY):
        names = ("data", "fills", "session", "decisions", "signals", "untraded")
        stored = [home.lake.read_table("shadow_trades", day, name) for name in names]
        held = home.lake.read_table("shadow_trades", day, "open_positions")
        session = Session(*stored, INTERVENTIONS_SCHEMA.empty_table(), held)
        trades = session.trades
        rules, candles = home.settings().market.rules, home.lake.read_table("ohlcv", day)
        verdict = judge_ledger(session, rules, candles, accounts)
        assert verdict.passed, verdict.reason
        accounts = session.open_positions
        assert set(pc.unique(session.fills["trade_id"]).to_pylist()) == set(trades["trade_id"].to_pylist())
        trace = json.loads(home.lake.read_file("shadow_trades", day, "model.json"))
        widths = {"policy_logits": "actions", "action_bias": "actions", "bias_terms": "bias_terms"}
        for column, names in widths.items():
            assert pc.unique(pc.list_value_length(trades[column])).to_pylist() == [len(trace[names])], column


def test_a_night_knows_the_patterns_of_the_night_before_and_publishes_its_own(
    home: Home, first_night: Answer, second_night: Answer
) -> None:
    for asset in ("shadow_trades", "ppo_checkpoint", "brain_evaluation"):
        for day, known in ((DAY, False), (NEXT_DAY, True)):
            manifest = home.lake.manifest(asset, day)
            assert manifest is not None
            assert (f"pattern_library/{DAY.isoformat()}" in manifest.inputs) == known, (asset, day)
            assert f"pattern_library/{NEXT_DAY.isoformat()}" not in manifest.inputs
    told = json.loads((Path(first_night.summary["brain"]["bundle_url"]) / "patterns.json").read_text())
    library = home.lake.read_table("pattern_library", DAY)
    assert len(told["centroids"]) == len(told["trust"]) == library.num_rows > 0
    assert told["embedding"]["feature_names"]


def test_every_seed_of_a_night_is_told_and_the_median_one_is_published(
    home: Home, first_night: Answer
) -> None:
    report = json.loads(home.lake.read_file("ppo_checkpoint", DAY, "report.json"))
    results = [seed["net_usd"] for seed in report["seeds"]["by_seed"]]
    assert len(results) == 3 and report["held_out"]["net_usd"] == sorted(results)[1]
    row = home.lake.read_table("brain_evaluation", DAY).to_pylist()[0]
    assert json.loads(row["numbers"])["seeds_net_usd_highest"] == max(results)


def test_the_verdict_on_a_brain_comes_with_its_reasons(first_night: Answer, second_night: Answer) -> None:
    first, second = first_night.summary["brain"], second_night.summary["brain"]
    assert first["verdict"] == second["verdict"] == "refused"
    assert any("no day of evidence yet" in reason for reason in first["reasons"])
    assert any("has 1 day of evidence" in reason for reason in second["reasons"])
    assert any("needed: 20 days, 1000000 trades" in reason for reason in second["reasons"])


def test_every_signal_of_a_night_is_put_to_the_ensemble_whose_weights_the_brain_has(
    home: Home, second_night: Answer
) -> None:
    table = home.lake.read_table("ensemble", NEXT_DAY)
    members = {"seed_0", "seed_1", "seed_2", "confidence", "pattern_evidence", "regime_prior", "combined"}
    assert set(table["member"].to_pylist()) == members
    traded = home.lake.read_table("shadow_trades", NEXT_DAY)["trade_id"].to_pylist()
    said = table.filter(pc.and_(pc.equal(table["member"], "seed_1"), table["said"].is_valid()))
    assert set(traded) & set(said["trade_id"].to_pylist())
    together = table.filter(pc.equal(table["member"], "combined"))
    assert together["probability"].null_count < together.num_rows
    told = json.loads((Path(second_night.summary["brain"]["bundle_url"]) / "ensemble.json").read_text())
    weights = home.lake.read_table("ensemble", NEXT_DAY, "weights")
    assert told["weights"] == dict(
        zip(*(weights[name].to_pylist() for name in ("member", "weight")), strict=True)
    )
    with home.database.connect() as connection:
        rows = connection.execute(
            "SELECT count(*) FROM ensemble_signals WHERE day = %s", (NEXT_DAY,)
        ).fetchone()
    assert rows == (table.num_rows,)


def test_the_published_bundle_is_signed_by_our_key_and_answers_as_it_was_made(
    first_night: Answer, signing_key: str
) -> None:
    told = first_night.summary["brain"]
    brain = load_brain(Path(told["bundle_url"]), public_key_of(signing_key))
    assert brain.brain_id == told["brain_id"]
    with pytest.raises(InputRefused):
        load_brain(Path(told["bundle_url"]), public_key_of(generate_key_pair()[0]))


def test_a_changed_file_makes_a_published_bundle_worthless(
    first_night: Answer, signing_key: str, tmp_path: Path
) -> None:
    copy = tmp_path / "brain"
    shutil.copytree(first_night.summary["brain"]["bundle_url"], copy)
    weights = copy / "policy.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(InputRefused, match=r"policy\.safetensors"):
        load_brain(copy, public_key_of(signing_key))


def test_a_brain_of_simulated_candles_is_never_for_live_trading(
    home: Home, first_night: Answer, second_night: Answer, signing_key: str
) -> None:
    for night in (first_night, second_night):
        told = night.summary["brain"]
        assert told["is_live_eligible"] is False
        brain = load_brain(Path(told["bundle_url"]), public_key_of(signing_key))
        assert not brain.is_live_eligible and brain.manifest["is_simulated"]
    with home.database.connect() as connection:
        rows = connection.execute("SELECT is_simulated, is_live_eligible FROM brain_registry").fetchall()
    assert rows == [(True, False)] * 2


def test_a_brain_is_in_force_by_a_persons_decision_until_another_one_ends_it(
    make_home: MakeHome, after_second_night: Night
) -> None:
    home = make_home(after_second_night)
    with home.database.connect() as connection:
        found = connection.execute("SELECT brain_id FROM brain_registry ORDER BY day").fetchall()
    first, second = (row[0] for row in found)
    store = LocalStore(home.path / "brains")

    def latest() -> str | None:
        pointer = read_latest(store)
        return pointer and pointer["brain_id"]

    assert latest() is None and "Nothing is in force." in home.call("brain").out
    for words, wanted in (
        (("promote", first), first),
        (("promote", second), second),
        (("rollback",), first),
        (("demote",), None),
    ):
        done = home.call("brain", *words, "--reason", "a person's own")
        assert done.code == 0, done.err
        assert latest() == wanted
    assert home.call("brain", "demote", "--reason", "once more").code == 2
    asked = "SELECT act, reason FROM brain_decisions ORDER BY sequence"
    told = home.call("sql", "--database", asked, "--json")
    acts = [row["act"] for row in json.loads(told.out)]
    assert acts == ["promote", "promote", "rollback", "demote"]
    assert json.loads(home.call("trials", "verify", "--json").out)["rows"] == 8


def test_the_registry_names_both_brains_and_the_trials_are_written_down(
    home: Home, first_night: Answer, second_night: Answer
) -> None:
    with home.database.connect() as connection:
        brains = connection.execute("SELECT brain_id, verdict FROM brain_registry ORDER BY day").fetchall()
        trials = connection.execute("SELECT kind FROM trials ORDER BY sequence").fetchall()
    first, second = first_night.summary["brain"]["brain_id"], second_night.summary["brain"]["brain_id"]
    assert brains == [(first, "refused"), (second, "refused")]
    assert [row[0] for row in trials] == ["procedure", "night", "day", "night"]


def test_the_database_holds_the_rows_of_the_lakes_partitions(
    home: Home, first_night: Answer, second_night: Answer
) -> None:
    tables = {table: (stage.name, file) for stage in stages() for table, file in stage.database.items()}
    assert {"trade_memory", "win_analysis", "loss_analysis", "pattern_library"} <= set(tables)
    counted: dict[str, int] = {}
    with home.database.connect() as connection:
        for table, (asset, file) in tables.items():
            for day in (DAY, NEXT_DAY):
                row = connection.execute(f"SELECT count(*) FROM {table} WHERE day = %s", (day,)).fetchone()
                entry = home.lake.manifest(asset, day).files.get(f"{file}.parquet")  # type: ignore[union-attr]
                assert row == ((entry.rows or 0) if entry else 0,), (table, day)
                counted[table] = counted.get(table, 0) + (row[0] if row else 0)
    # Nobody changed what gates ask.
    assert counted.pop("gate_changes") == 0
    assert all(counted.values()), counted
    assert not PartitionRows(home.database).load(
        "trade_memory", DAY, first_night.hashes["trade_memory"], None
    )


def _model_of(home: Home, day: date) -> str:
    return str(json.loads(home.lake.read_file("ppo_checkpoint", day, "report.json"))["model_id"])


@pytest.mark.parametrize("day", [DAY, NEXT_DAY])
def test_a_day_is_traded_by_the_policy_of_the_evening_before_and_until_the_handover_by_the_one_before_it(
    home: Home, second_night: Answer, day: date
) -> None:
    trades = home.lake.read_table("shadow_trades", day)
    before, tonight = _model_of(home, day - timedelta(days=1)), _model_of(home, day)
    for trade in trades.select(["signal_time", "model_id"]).to_pylist():
        night = (trade["signal_time"] - timedelta(hours=4)).date() - timedelta(days=1)
        assert trade["model_id"] == _model_of(home, night), trade
    assert before in trades["model_id"].to_pylist() and before != tonight
    with home.database.connect() as connection:
        row = connection.execute("SELECT model_id FROM brain_registry WHERE day = %s", (day,)).fetchone()
    assert row == (tonight,)


def test_yesterdays_exits_are_followed_up_the_night_after(
    home: Home, first_night: Answer, second_night: Answer
) -> None:
    followed = home.lake.read_table("post_exit", NEXT_DAY)
    yesterday = home.lake.read_table("shadow_trades", DAY)
    assert sorted(followed["trade_id"].to_pylist()) == sorted(yesterday["trade_id"].to_pylist())


def test_the_runs_of_a_night_stand_in_dagster_with_their_partition(home: Home, first_night: Answer) -> None:
    told = {run["run_id"]: (run["job"], run["day"]) for run in first_night.summary["runs"]}
    with home.instance() as instance:
        found = {run_id: instance.get_run_by_id(run_id) for run_id in told}
    for run_id, (job, day) in told.items():
        run = found[run_id]
        assert run is not None
        assert (run.job_name, run.tags["dagster/partition"]) == (job, day)
        assert run.status == dg.DagsterRunStatus.SUCCESS


def test_every_materialisation_and_check_in_dagster_carries_the_partition(
    home: Home, second_night: Answer
) -> None:
    declared = {(stage.name, check.name) for stage in stages() for check in stage.checks}
    with home.instance() as instance:
        for stage in stages():
            days = instance.get_materialized_partitions(dg.AssetKey(stage.name))
            assert {DAY.isoformat(), NEXT_DAY.isoformat()} <= days, stage.name
        records = instance.get_event_records(
            dg.EventRecordsFilter(event_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION), limit=1000
        )
    seen: dict[date, set[tuple[str, str]]] = {DAY: set(), NEXT_DAY: set()}
    for record in records:
        event = record.event_log_entry.dagster_event
        assert event is not None
        data = event.asset_check_evaluation_data
        assert data.partition is not None, data.check_name
        day = date.fromisoformat(data.partition)
        if day in seen:
            seen[day].add((data.asset_key.to_user_string(), data.check_name))
    assert seen == {DAY: declared, NEXT_DAY: declared}
