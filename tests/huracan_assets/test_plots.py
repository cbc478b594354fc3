"""Every picture of the UI says what it shows, in which unit, in words, and stands out from both themes."""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable
from datetime import date
from types import ModuleType
from typing import Any

import matplotlib.colors
import numpy as np
import pyarrow as pa
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

import huracan_assets
from huracan.agent.policy.held_out_equity import HeldOutEquity
from huracan.candles.schema import TIME
from huracan.models.scores import UNSCORED, score_tail
from huracan.promotion.day import DayResult
from huracan.promotion.evidence import Evidence, Lost
from huracan.promotion.verdict import Registered
from huracan_assets import pictures
from huracan_assets.analysis import plots as analysis_plots
from huracan_assets.shown import Picture

BARS = 24
WHITE, NEAR_BLACK = "#ffffff", "#030615"
"""The backgrounds of the UI's two themes."""


def _bars(**columns: list[Any]) -> pa.Table:
    times = pa.array(np.tile(np.arange(BARS) * 3_600_000, 2)).cast(TIME)
    return pa.table({"symbol": ["A/USDT"] * BARS + ["B_2/USDT"] * BARS, "open_time": times, **columns})


SESSION = _bars(result_usd=[3.0 * (bar % 7 - 3) for bar in range(2 * BARS)])
OHLCV = _bars(close=[100.0 + bar % 5 for bar in range(2 * BARS)])
_NAMES = ["trend", "range", "high_volatility", "panic"] * BARS
REGIMES = pa.table({"regime": _NAMES[: 2 * BARS], "absolute_regime": [None, *_NAMES[: 2 * BARS - 1]]})
SCENARIOS = pa.Table.from_pylist(
    [
        {"scenario": name, "symbol": "all", "result_usd": usd}
        for name, usd in (("as_traded", 12.0), ("costs_x2", -3.0), ("one_bar_later", 5.0))
    ]
)
RIVALS = pa.Table.from_pylist(
    [
        {"rival": name, "symbol": "all", "net_usd": usd, "net_bps": bps, "brain_percentile": share}
        for name, usd, bps, share in (
            ("brain", 12.0, 4.0, None),
            ("buy_and_hold", -2.0, -1.0, None),
            ("random_entries", -5.0, -2.0, 87.0),
        )
    ]
)
QUALITY = pa.Table.from_pylist(
    [
        {"window_days": 30, "scope": scope, "value": value, "exits": 9, "judged": 8, "exit_quality": 0.6}
        | {"exit_quality_standard_error": 0.1}
        | {f"mean_return_after_{minutes}_minutes_bps": 2.0 for minutes in (60, 240, 1440)}
        for scope, value in (("all", "all"), ("exit_reason", "TIME_OUT"), ("exit_reason", "POLICY_EXIT"))
    ]
)
PERFORMANCE = pa.Table.from_pylist(
    [
        {"scope": scope, "value": value, "net_usd": 5.0, "cost_usd": 2.0}
        for scope, value in (("all", "all"), ("symbol", "A/USDT"), ("regime", "high_volatility"))
    ]
)
WINS = pa.table(
    {
        "net_usd": [3.0, 4.0],
        "drivers": [
            json.dumps([{"feature": "return_std_60_bps", "contribution": None, "standard_deviations": 1.5}])
        ]
        * 2,
        "luck_entries": [60, 60],
        "luck_percentile": [97.0, 40.0],
        "luck_percentile_by_rules": [96.0, None],
        "is_beyond_luck": [True, False],
    }
)
LOSSES = pa.table({"primary_reason": ["held_too_long", "bad_luck"], "net_usd": [-3.0, -4.0]})
LIBRARY = pa.Table.from_pylist(
    [
        {"pattern_id": name, "name": f"long in high_volatility {name}", "state": state, "forward_trades": 12}
        | {"forward_mean_net_bps": 3.0, "forward_net_low_bps": -1.0, "forward_net_high_bps": 7.0}
        for name, state in (("p_1", "reliable"), ("p_2", "candidate"))
    ]
)
GATES = pa.Table.from_pylist(
    [
        {"book": "policy", "gate": gate, "nights": nights, "saved_bps": saved, "shapley_bps": shapley}
        | {"saved_low_bps": low, "saved_high_bps": saved + 2.0}
        for nights in (1, 7)
        for gate, saved, low, shapley in (
            ("meta_label", 3.0, 1.0, 2.0), ("cost", -1.0, None, -1.5), ("combined", 2.0, -0.5, None)
        )
    ]
)  # fmt: skip
EQUITY = HeldOutEquity(
    first_day=date(2025, 3, 1),
    hours=np.arange(49.0),
    brain_usd=np.linspace(0, 30, 49),
    rivals_usd=np.outer(np.linspace(-2, 1, 20), np.arange(49.0)),
)
CURVES = [
    pa.table(
        {
            "steps": [1_000_000 * step for step in range(1, 6)],
            "mean_reward": [0.001 * seed * step for step in range(5)],
            "entropy": [2.0 - 0.1 * step for step in range(5)],
            "explained_variance": [0.1 * step for step in range(5)],
        }
    )
    for seed in (1, 2, 3)
]
REPORT = {
    "held_out": {"net_usd": 30.0, "first_day": "2025-03-01", "last_day": "2025-03-02"},
    "seeds": {"count": 3, "published": 1, "net_usd_lowest": 10.0, "net_usd_highest": 40.0},
}
TAIL = score_tail(
    np.arange(400) % 10 < 4,
    np.where(np.arange(400) % 10 < 4, 0.5, 0.4) + np.arange(400) / 4000,
    0.4,
    None,
    np.arange(400) // 20,
)
RULES = pa.Table.from_pylist(
    [
        {"scope": scope, "value": value, "estimator": estimator, "mean_net_bps": 1.0, "low_bps": low}
        | {"high_bps": None if low is None else 3.0}
        for scope, value, low in (
            ("all", "all", 0.5),
            ("regime", "high_volatility", -2.0),
            ("side", "short", None),
        )
        for estimator in ("weighted", "doubly_robust")
    ]
)
WEIGHTS = {
    date(2025, 3, night): pa.Table.from_pylist(
        [
            {"member": name, "weight": share, "best_member": "seed_0", "regret": 0.2, "bound": 7.4}
            for name, share in (("seed_0", 0.3 + night / 10), ("regime_prior", 0.7 - night / 10))
        ]
    )
    for night in (1, 2)
}
REGISTERED = Registered("d" * 64, 1, date(2025, 3, 1))
EVIDENCE = Evidence.of(
    [
        *(
            DayResult(
                day=date(2025, 3, number),
                result_usd=5.0,
                rival_usd=1.0,
                unit_usd=20.0,
                rival_unit_usd=20.0,
                opening_usd=1_000.0,
                costs_usd=1.0,
            )
            for number in range(1, 10)
        ),
        Lost(date(2025, 3, 10)),
    ]
)
DRAWN: dict[str, tuple[Any, ...]] = {
    "price_with_regimes": (OHLCV, REGIMES, REGIMES),
    "equity_curve": (SESSION,),
    "scenarios_and_rivals": (SCENARIOS, RIVALS, np.linspace(-10, 8, 200)),
    "after_the_exit": (QUALITY,),
    "net_by_part": (PERFORMANCE,),
    "held_out_equity": (EQUITY,),
    "evidence_by_day": (REGISTERED, EVIDENCE),
    "drivers_and_luck": (WINS,),
    "lost_by_reason": (LOSSES,),
    "forward_results": (LIBRARY,),
    "learning_curve": (CURVES, REPORT),
    "reliability_diagram": (TAIL,),
    "gate_worth": (GATES,),
    "rules_of_entering": (RULES,),
    "weights_over_nights": (WEIGHTS,),
}
TABLES = {
    *("held_out_table", "held_table", "interval_table", "scores_table", "seeds_table", "win_loss_table"),
}


def _modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(huracan_assets.__path__, "huracan_assets.")
    return [importlib.import_module(each.name) for each in found if each.name.endswith("plots")]


def _plots() -> dict[str, Callable[..., Any]]:
    return {
        name: function
        for module in _modules()
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_") and name not in TABLES
    }


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are drawn, as they are saved."""
    saved: list[Figure] = []
    real = FigureCanvasAgg.print_png

    def save(canvas: FigureCanvasAgg, *given: Any, **options: Any) -> None:
        saved.append(canvas.figure)
        real(canvas, *given, **options)

    monkeypatch.setattr(FigureCanvasAgg, "print_png", save)
    return saved


def test_every_plot_of_every_asset_is_looked_at_here() -> None:
    assert _plots().keys() == DRAWN.keys()


@pytest.mark.parametrize("name", DRAWN)
def test_a_plot_says_what_it_shows_and_in_which_unit(name: str, figures: list[Figure]) -> None:
    picture = _plots()[name](*DRAWN[name])
    assert isinstance(picture, Picture) and picture.told and picture.title
    (figure,) = figures
    for axes in figure.axes:
        assert axes.get_title(loc="left") and axes.get_xlabel(), name
        named = any(not _is_number(each.get_text()) for each in axes.get_yticklabels())
        assert axes.get_ylabel() or named, f"{name}: the vertical axis says nothing"
    texts = [each.get_text() for each in figure.findobj(Text)] + [picture.told, picture.title]
    assert [text for text in texts if "_" in text.replace("B_2/USDT", "")] == []


@pytest.mark.parametrize("name", DRAWN)
def test_a_plot_can_be_read_in_the_light_and_in_the_dark_theme(name: str, figures: list[Figure]) -> None:
    _plots()[name](*DRAWN[name])
    (figure,) = figures
    assert figure.patch.get_alpha() == 0 and all(axes.patch.get_alpha() == 0 for axes in figure.axes)
    for text in figure.findobj(Text):
        if text.get_text().strip():
            assert _contrast(text.get_color(), WHITE) > 4.2, text
            assert _contrast(text.get_color(), NEAR_BLACK) > 4.2, text
    for line in (line for axes in figure.axes for line in axes.lines):
        assert _contrast(line.get_color(), WHITE) > 2.9, line
        assert _contrast(line.get_color(), NEAR_BLACK) > 2.9, line


def test_the_learning_curve_draws_every_seed_and_their_mean(figures: list[Figure]) -> None:
    _plots()["learning_curve"](CURVES, REPORT)
    (figure,) = figures
    reward = figure.axes[0]
    assert len(reward.lines) == len(CURVES) + 1
    mean = np.mean([curve["mean_reward"].to_numpy() for curve in CURVES], axis=0)
    assert reward.lines[-1].get_ydata() == pytest.approx(mean)
    assert [line.get_label() for line in reward.lines] == [
        *("seed 0", "seed 1, published", "seed 2", "mean of the seeds"),
    ]


def test_the_reliability_diagram_puts_what_came_over_what_was_said(figures: list[Figure]) -> None:
    picture = _plots()["reliability_diagram"](TAIL)
    (axes,) = figures[0].axes
    (came,) = (line for line in axes.lines if len(line.get_xdata()) == 10 and line.get_marker() == "o")
    assert list(came.get_xdata()) == [each.probability for each in TAIL.reliability]
    assert list(came.get_ydata()) == [each.won for each in TAIL.reliability]
    assert f"{TAIL.calibration_error:.3f} apart on 400 later trades" in picture.told
    assert f"{TAIL.brier_skill_low:+.3f} to" in picture.told
    assert "no later trade" in _plots()["reliability_diagram"](UNSCORED).told


def test_the_held_out_equity_stands_among_its_random_rivals_and_doing_nothing(
    figures: list[Figure],
) -> None:
    _plots()["held_out_equity"](EQUITY)
    (axes,) = figures[0].axes
    lines = {line.get_label().split(":")[0]: line for line in axes.lines}
    assert lines["the brain"].get_ydata()[-1] == 30.0
    assert lines["20 random rivals"].get_ydata()[-1] == pytest.approx(np.median(EQUITY.rivals_usd[:, -1]))
    assert set(lines["doing nothing"].get_ydata()) == {0}
    low, high = axes.collections[-1].get_paths()[0].get_extents().intervaly
    assert (low, high) == pytest.approx(tuple(np.quantile(EQUITY.rivals_usd[:, -1], [0.05, 0.95])))


def test_the_same_picture_is_the_same_bytes() -> None:
    first, again = (_plots()["equity_curve"](SESSION) for _ in range(2))
    assert first.text == again.text and "data:image/png;base64," in first.text


def test_a_symbol_with_dollars_is_no_formula() -> None:
    bars = 4
    session = pa.table(
        {
            "symbol": ["$^$/USDT"] * bars,
            "open_time": pa.array(np.arange(bars) * 60_000).cast(TIME),
            "result_usd": [100.0, 101.0, 99.0, 100.0],
        }
    )
    assert "data:image/png;base64," in _plots()["equity_curve"](session).text


def test_a_symbol_that_is_set_aside_leaves_the_others_in_the_picture() -> None:
    bars = 4
    times = pa.array(np.tile(np.arange(bars) * 60_000, 2)).cast(TIME)
    symbols = ["A/USDT"] * bars + ["B/USDT"] * bars
    ohlcv = pa.table({"symbol": symbols, "open_time": times, "close": [None] * bars + [1.0, 1.1, 1.2, 1.1]})
    regimes = pa.table(dict.fromkeys(("regime", "absolute_regime"), ["range"] * 2 * bars))
    assert "data:image/png;base64," in _plots()["price_with_regimes"](ohlcv, regimes, regimes).text


def test_a_day_without_trades_has_its_pictures_too() -> None:
    nothing = RIVALS.set_column(4, "brain_percentile", pa.array([None] * 3, pa.float64()))
    assert isinstance(_plots()["scenarios_and_rivals"](SCENARIOS, nothing, np.zeros(0)), Picture)
    unjudged = QUALITY.slice(0, 1).set_column(5, "exit_quality", pa.array([None], pa.float64()))
    assert isinstance(_plots()["after_the_exit"](unjudged), Picture)


def test_the_rules_of_entering_stand_with_both_estimates_and_their_intervals(figures: list[Figure]) -> None:
    told = _plots()["rules_of_entering"](RULES).told
    (axes,) = figures[0].axes
    assert [each.get_text() for each in axes.get_yticklabels()] == ["all: all", "regime: high volatility"]
    assert [each.get_label() for each in axes.containers] == ["weighted", "doubly robust"]
    assert told.startswith("entering at every moment nets +1.0 bps (+0.5 to +3.0); 1 of 2 rules")
    unsure = RULES.set_column(4, "low_bps", pa.nulls(len(RULES), pa.float64()))
    assert "0 of 0 rules" in _plots()["rules_of_entering"](unsure).told


def _is_number(text: str) -> bool:
    return text.strip("\N{MINUS SIGN}-0123456789.,e ") == ""


def _contrast(colour: str, background: str) -> float:
    """The ratio of WCAG 2, from 1 to 21."""
    lighter, darker = sorted((_luminance(colour), _luminance(background)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in matplotlib.colors.to_rgb(colour)
    ]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_the_ink_is_as_far_from_white_as_from_the_dark_themes_ground() -> None:
    assert _contrast(pictures.INK, WHITE) == pytest.approx(_contrast(pictures.INK, NEAR_BLACK), rel=0.1)


def test_drivers_of_a_day_on_which_a_model_spoke_of_some_wins_only_are_those_of_the_model() -> None:
    spoken = [{"feature": "rsi_14", "contribution": 0.4, "standard_deviations": 1.0}]
    silent = [{"feature": "rsi_14", "contribution": None, "standard_deviations": 9.0}]
    mixed = WINS.set_column(1, "drivers", [[json.dumps(silent), json.dumps(spoken)]])
    assert analysis_plots._total_drivers(mixed) == (["rsi 14"], [0.4], "log-odds")
