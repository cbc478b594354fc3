"""A gate of somebody else's: one file in an installed package, and everything knows it."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.errors import InvalidInput
from huracan.gates.judging.coverage import judge_gate_coverage
from huracan.gates.judging.judge import judge_signals
from huracan.gates.roster import describe_gates, gate_kinds
from huracan.gates.worth.statistics import gate_statistics
from huracan_assets.code_version import code_version, reached_by
from tests.added_package import huracan_beside, installed, write_package
from tests.huracan.gates.conftest import Fitter

Maker = Callable[..., pa.Table]

CROWDING = '''
"""The crowding gate: of the signals of one moment the calmest is traded whole, the others at a part."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from added_gates.ranks import ranks
from huracan.gates.contract import PASS, Answers, GateContext, GateKind, resize
from huracan.gates.settings import GateSettings


@dataclass(frozen=True)
class CrowdingSettings(GateSettings):
    size_of_others: float = 0.5
    """What a signal keeps of its size that is not the first of its moment."""


@dataclass(frozen=True)
class CrowdingGate:
    settings: CrowdingSettings
    past_trades: int

    def judge(self, signals: pa.Table) -> Answers:
        rank = ranks(signals["signal_time"].to_pylist(), signals["entry_volatility_bps"].to_pylist())
        smaller = resize(self.settings.size_of_others)
        answer = tuple(PASS if each == 0 else smaller for each in rank)
        reason = tuple(f"Number {each + 1} of its moment." for each in rank)
        return Answers(answer, np.array(rank, dtype=np.float64), np.full(len(rank), np.nan), reason)

    def describe(self) -> dict[str, object]:
        return {"size_of_others": self.settings.size_of_others, "past_trades": self.past_trades}


def fit(context: GateContext[CrowdingSettings]) -> CrowdingGate:
    return CrowdingGate(context.settings, context.past.trades.num_rows)


GATE = GateKind(
    name="crowding",
    why="Signals of one moment lose together.",
    measures="the rank by volatility in its moment",
    settings=CrowdingSettings,
    fit=fit,
)
'''
RANKS = """
def ranks(moments: list, values: list) -> list[int]:
    order = sorted(range(len(moments)), key=lambda row: (moments[row], values[row]))
    seen: dict = {}
    rank = [0] * len(moments)
    for row in order:
        rank[row] = seen.get(moments[row], 0)
        seen[moments[row]] = rank[row] + 1
    return rank
"""
FILES = {"crowding.py": CROWDING, "ranks.py": RANKS}


def test_it_judges_behind_our_own_and_is_counted(make_ledger: Maker, fit_all: Fitter, tmp_path: Path) -> None:
    write_package(tmp_path, "added_gates", "huracan.gates", FILES)
    trades = make_ledger(6, seed=3, minutes_apart=0)
    with installed(tmp_path):
        gates = fit_all(make_ledger(40))
        assert list(gates)[-2:] == ["engine_health", "crowding"]
        decisions = judge_signals(trades, gates)
        assert judge_gate_coverage(decisions, trades, gates).passed
        described = describe_gates(gates)["gates"]
    said = decisions.filter(pc.equal(decisions["gate"], "crowding"))["verdict"].to_pylist()
    calmest = trades["entry_volatility_bps"].to_pylist()
    assert [text == "pass" for text in said] == [value == min(calmest) for value in calmest]
    assert sorted(said)[1:] == ["pass, resize 0.5"] * 5
    worth = {row["gate"]: row for row in gate_statistics(decisions, trades).to_pylist()}
    assert worth["crowding"]["passed"] == 6
    net_usd = trades["net_usd"].to_pylist()
    others = sum(net for net, text in zip(net_usd, said, strict=True) if text != "pass")
    assert worth["crowding"]["saved_usd"] == pytest.approx(-0.5 * others)
    assert worth["crowding"]["passed_net_usd"] == pytest.approx(sum(net_usd) - 0.5 * others)
    crowding = {"why": "Signals of one moment lose together.", "size_of_others": 0.5, "past_trades": 40}
    assert described["crowding"] == crowding  # type: ignore[index]
    assert "crowding" not in gate_kinds()


def test_whoever_asks_the_gates_reaches_its_file_and_what_that_imports(tmp_path: Path) -> None:
    decisions, brain = "huracan_assets.gates.gate_decisions", "huracan_assets.brain.baseline_brain"
    untouched = "huracan_assets.market.features"
    before = {module: code_version(module) for module in (decisions, brain, untouched)}
    write_package(tmp_path, "added_gates", "huracan.gates", FILES)
    with installed(tmp_path):
        reached = {each.name for each in reached_by(decisions)}
        added = {module: code_version(module) for module in before}
        (tmp_path / "added_gates" / "ranks.py").write_text(RANKS.replace("= [0] *", "= [1] *"))
        changed = {module: code_version(module) for module in before}
    assert {"added_gates.crowding", "added_gates.ranks", "huracan.gates.cost"} <= reached
    for module in (decisions, brain):
        assert len({before[module], added[module], changed[module]}) == 3
    assert before[untouched] == added[untouched] == changed[untouched]


def test_its_settings_are_shown_set_and_checked_and_what_it_measures_is_described(tmp_path: Path) -> None:
    write_package(tmp_path, "added_gates", "huracan.gates", FILES)
    variable = {"HURACAN__GATES__CROWDING__SIZE_OF_OTHERS": "0.25"}
    show = ("config", "show")
    describe = ("sql", "--describe", "gate_decisions", "--json")
    commands = ((*show, "--json"), (*show, "--set", "gates.crowding.size_of_other=1"), describe)
    told, wrong, described = huracan_beside(tmp_path, *commands, **variable)
    shown = json.loads(told.out)
    origin = "environment HURACAN__GATES__CROWDING__SIZE_OF_OTHERS"
    assert shown["gates.crowding.size_of_others"] == {"value": "0.25", "origin": origin}
    assert wrong.code == 2 and "Did you mean gates.crowding.size_of_others?" in wrong.err
    assert ", crowding the rank by volatility in its moment, combined" in described.out


@pytest.mark.parametrize(
    ("name", "file", "words"),
    [
        ("crowding", "crowd.py", "added_gates.crowd declares the gate crowding"),
        ("combined", "combined.py", "anything but 'combined'"),
        ("cost", "cost.py", "huracan.gates.cost and added_gates.cost both declare cost"),
    ],
)
def test_a_name_that_would_mislead_is_refused(name: str, file: str, words: str, tmp_path: Path) -> None:
    text = CROWDING.replace('name="crowding"', f'name="{name}"')
    write_package(tmp_path, "added_gates", "huracan.gates", {file: text, "ranks.py": RANKS})
    with installed(tmp_path), pytest.raises(InvalidInput, match=words):
        gate_kinds()


def test_a_threshold_that_is_no_setting_of_the_gate_is_refused(tmp_path: Path) -> None:
    text = CROWDING.replace("    fit=fit,\n", '    fit=fit,\n    threshold="rank",\n')
    write_package(tmp_path, "added_gates", "huracan.gates", FILES | {"crowding.py": text})
    with (
        installed(tmp_path),
        pytest.raises(InvalidInput, match="The gate crowding has no setting 'rank', by which its threshold"),
    ):
        gate_kinds()
