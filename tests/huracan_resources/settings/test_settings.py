"""Settings come from defaults, profiles, environment and command line, and say which."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from huracan.candles.market_info import MarketInfo
from huracan.errors import InvalidInput
from huracan_console.instance import environment
from huracan_resources.settings.settings import explain, load_settings
from huracan_resources.settings.sources import PROFILES
from tests.huracan_resources.settings.written_profiles import load, origin


def test_the_later_source_wins_and_every_value_knows_where_it_came_from(folder: Path) -> None:
    settings = load(folder, {"market.costs.multiplier": 2.0}, HURACAN__SCHEDULE__HOUR="5")
    costs = settings.market.costs
    assert (settings.schedule.hour, costs.taker_fee_bps, costs.half_spread_bps, costs.multiplier) == (
        5,
        5,
        4,
        2,
    )
    assert origin(settings, "schedule.hour") == ("5", "environment HURACAN__SCHEDULE__HOUR")
    assert origin(settings, "market.costs.taker_fee_bps") == ("5.0", f"{folder.name}/base.yaml, line 2")
    assert origin(settings, "market.costs.half_spread_bps") == ("4.0", f"{folder.name}/local.yaml, line 1")
    assert origin(settings, "market.costs.multiplier") == ("2.0", "command line")
    assert origin(settings, "universe.timeframe") == ("1m", "default")


def test_the_variable_huracan_env_picks_the_profile(folder: Path) -> None:
    settings = load(folder, HURACAN_ENV="other")
    assert settings.mode == "research" and settings.market.costs.half_spread_bps == 2
    with pytest.raises(InvalidInput, match=r"'prod'.*Profiles: local, other"):
        load(folder, HURACAN_ENV="prod")


def test_the_homes_own_profile_goes_before_the_profile_and_after_variables(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    (home / "huracan.yaml").write_text("schedule: {hour: 9}\nmarket:\n  costs: {half_spread_bps: 6}\n")
    settings = load(folder, HURACAN_HOME=str(home), HURACAN__SCHEDULE__HOUR="5")
    assert (settings.schedule.hour, settings.market.costs.half_spread_bps) == (5, 6)
    assert origin(settings, "market.costs.half_spread_bps") == ("6.0", "home/huracan.yaml, line 3")
    assert load(folder, {"storage.home": home}).schedule.hour == 9
    (folder / "local.yaml").write_text(f"storage: {{home: {home}}}\nschedule: {{hour: 1}}\n")
    assert load_settings(environ={"HURACAN_CONFIG_DIR": str(folder)}).schedule.hour == 9
    assert load(folder, HURACAN_HOME=str(folder)).schedule.hour == 1


def test_the_homes_own_profile_cannot_name_the_home_by_which_it_is_found(folder: Path) -> None:
    (folder / "huracan.yaml").write_text("mode: shadow\nstorage: {home: /elsewhere}\n")
    with pytest.raises(InvalidInput, match=r"huracan\.yaml, line 2: storage\.home .* set HURACAN_HOME"):
        load(folder, HURACAN_HOME=str(folder))


def test_the_variable_huracan_mode_beats_the_profile(folder: Path) -> None:
    assert load(folder, HURACAN_ENV="other", HURACAN_MODE="shadow").mode == "shadow"
    with pytest.raises(InvalidInput, match=r"environment HURACAN_MODE.*mode is wrong"):
        load(folder, HURACAN_MODE="live")


def test_the_spot_market_its_perpetual_and_pairs_that_only_read_alike_are_different_markets(
    folder: Path,
) -> None:
    symbols = ("BTC/USDT", "BTC/USDT:USDT", "A/BC", "AB/C")
    assert load(folder, {"universe.symbols": list(symbols)}).universe.symbols == symbols


@pytest.mark.parametrize("profile", ["local", "production", "monitoring"])
def test_the_shipped_profilesload(profile: str, tmp_path: Path) -> None:
    environ = {"HURACAN_CONFIG_DIR": str(PROFILES), "HURACAN_ENV": profile, "HURACAN_HOME": str(tmp_path)}
    settings = load_settings(environ=environ)
    assert settings.universe.symbols == ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    assert settings.source.kind == ("ccxt" if profile == "production" else "simulated")


@pytest.mark.parametrize("profile", ["local", "production", "monitoring"])
def test_a_shipped_profile_sets_no_setting_to_its_default(profile: str, tmp_path: Path) -> None:
    defaults = {key: value for key, value, _ in explain(load(tmp_path))}
    (tmp_path / "base.yaml").write_text((PROFILES / f"{profile}.yaml").read_text())
    changed = {key: value for key, value, origin in explain(load(tmp_path)) if "base.yaml" in origin}
    assert {key for key, value in changed.items() if value == defaults[key]} == set()
    assert changed


def test_a_list_may_be_written_with_commas_anywhere(folder: Path) -> None:
    (folder / "local.yaml").write_text("universe: {symbols: 'A/B, C/D'}\n")
    assert load(folder).universe.symbols == ("A/B", "C/D")
    assert load(folder, {"universe.symbols": "E/F,G/H"}).universe.symbols == ("E/F", "G/H")


def test_a_number_is_read_as_it_is_written(folder: Path) -> None:
    (folder / "local.yaml").write_text("schedule: {hour: 010}\ntraining: {total_steps: 1_000_000}\n")
    settings = load(folder)
    assert (settings.schedule.hour, settings.training.total_steps) == (10, 1_000_000)


def test_a_switch_may_still_be_yes_or_off(folder: Path) -> None:
    (folder / "local.yaml").write_text("schedule: {is_enabled: off}\n")
    assert load(folder).schedule.is_enabled is False
    assert load(folder, HURACAN__SCHEDULE__IS_ENABLED="yes").schedule.is_enabled is True


def test_token_swaps_and_memberships_reach_every_process_as_they_were_said(folder: Path) -> None:
    swap = {"symbol": "BTC/USDT", "moment": "2025-01-02T00:00:00Z", "factor": 1000}
    left = {"SOL/USDT": {"last_day": "2025-01-01"}}
    said = load(folder, {"candles.redenominations": [swap], "universe.membership": left})
    there = load(folder, **{key: text for key, text in environment(said).items() if "__" in key})
    assert there.candles == said.candles and there.universe == said.universe
    assert there.digest() == said.digest()
    assert '"factor": 1000' in origin(said, "candles.redenominations")[0]


def test_what_a_market_costs_is_set_by_symbol_and_counts_in_the_digest(folder: Path) -> None:
    plain = load(folder)
    assert plain.universe.market("BTC/USDT") == MarketInfo("BTC/USDT")
    assert origin(plain, "universe.markets") == ("none", "default")
    (folder / "local.yaml").write_text(
        "universe: {markets: {BTC/USDT: {tick_size: 0.01, minimum_notional: 5,"
        " kind: spot, maker_fee_bps: -1}}}\n"
    )
    settings = load(folder)
    assert settings.universe.market("BTC/USDT") == MarketInfo(
        "BTC/USDT", 0.01, None, 5.0, "spot", maker_fee_bps=-1.0
    )
    assert settings.universe.market("ETH/USDT") == MarketInfo("ETH/USDT")
    assert '"tick_size": 0.01' in origin(settings, "universe.markets")[0]
    assert settings.digest("universe") != plain.digest("universe")
    changed = '{"BTC/USDT": {"step_size": 0.1}}'
    by_variable = load(folder, HURACAN__UNIVERSE__MARKETS=changed)
    assert by_variable.universe.market("BTC/USDT").step_size == 0.1
    said = {"BTC/USDT": {"step_size": 1e-05}}
    by_command = load(folder, {"universe.markets": said})
    as_variable = environment(by_command)["HURACAN__UNIVERSE__MARKETS"]
    assert load(folder, HURACAN__UNIVERSE__MARKETS=as_variable).universe.markets == said
    with pytest.raises(InvalidInput, match=r"universe\.markets is wrong"):
        load(folder, {"universe.markets": {"BTC/USDT": {"lot_size": 1}}})


@pytest.mark.parametrize("text", ["A/B,C/D", "[A/B, C/D]", json.dumps(["A/B", "C/D"])])
def test_a_list_in_a_variable_is_written_as_one_likes(folder: Path, text: str) -> None:
    assert load(folder, HURACAN__UNIVERSE__SYMBOLS=text).universe.symbols == ("A/B", "C/D")


def test_the_digest_changes_with_what_a_night_computes_and_with_nothing_else(folder: Path) -> None:
    base = load(folder)
    same = [
        load(folder, DATABASE_URL="postgresql://h/d", HURACAN_HOME="/elsewhere"),
        load(
            folder, {"schedule.hour": 9, "universe.first_day": "2023-01-01", "source.ccxt.exchange": "kraken"}
        ),
    ]
    assert {settings.digest() for settings in same} == {base.digest()}
    for change in (
        {"market.costs.taker_fee_bps": 6.0},
        {"universe.symbols": ["A/B"]},
        {"source.kind": "ccxt"},
    ):
        assert load(folder, dict(change)).digest() != base.digest()
    dearer = load(folder, {"market.costs.taker_fee_bps": 6.0})
    assert dearer.digest("universe", "source") == base.digest("universe", "source")


@pytest.mark.parametrize(
    ("overrides", "digest"),
    [
        ({}, "6366842bc07189141bdca06e17256ac19cb0cf17c894b7ba2dab38deea736cf5"),
        (
            {"source.kind": "files", "source.files.directory": "/data", "source.files.exchange": "binance"},
            "fb692bed58169e54b541107359af3e0d14ef16d09e9e53c3843643bf826b4d18",
        ),
        (
            {"source.kind": "ccxt", "source.ccxt.exchange": "kraken", "source.ccxt.base_url": "http://x"},
            "f50263cc0f4f8e9d2e0bbad41131f076e0ce1f8d7ee688a4e60dbaf235190341",
        ),
    ],
)
def test_the_digest_of_a_source_is_for_ever(folder: Path, overrides: dict[str, object], digest: str) -> None:
    """Stored with every day of candles: another one would make a whole history stale."""
    keys = {"HURACAN_EXCHANGE_API_KEY": "k", "HURACAN_EXCHANGE_SECRET": "s"}
    patient = {"source.ccxt.timeout_seconds": 99, "source.ccxt.attempts": 9}
    assert load(folder, overrides).digest("source") == digest
    assert load(folder, overrides | patient, **keys).digest("source") == digest


def test_a_gate_has_settings_of_its_own(folder: Path) -> None:
    settings = load(
        folder,
        {"gates.confidence.margin.panic": 0.2, "gates.regret.maximum_regret.scalp": 0.8},
        HURACAN__GATES__META_LABEL__MINIMUM_PAST_TRADES="7",
    )
    gates = settings.gates
    assert gates["meta_label"].minimum_past_trades == 7 and gates["cost"].minimum_past_trades == 30
    assert gates["confidence"].margin.panic == 0.2 and gates["meta_label"].margin.panic == 0.05
    assert (gates["regret"].maximum_regret.scalp, gates["regret"].maximum_regret.runner) == (0.8, 0.9)
    assert settings.digest("gates") != load(folder).digest("gates")


def test_the_home_is_absolute_and_everything_lies_below_it(folder: Path, tmp_path: Path) -> None:
    storage = load(folder, HURACAN_HOME=str(tmp_path / "a" / ".." / "b")).storage
    assert storage.lake == str(tmp_path / "b" / "lake") and storage.brains == str(tmp_path / "b" / "brains")
    assert load(folder).storage.home.is_absolute()
    assert load(folder, {"storage.lake_url": "s3://x/y"}).storage.lake == "s3://x/y"


def test_settings_load_without_the_heavy_libraries() -> None:
    code = (
        "import sys; from huracan_resources.settings.settings import load_settings; "
        "load_settings(environ={}); "
        "heavy = {'torch', 'lightgbm', 'sklearn', 'ccxt', 'dagster', 'psycopg'}; "
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("analysis.losses.shock_ratio", 0.5, "shock_ratio was 0.5. Give at least 1"),
        ("analysis.losses.early_minutes", 0, "early_minutes was 0. Give minutes from 1"),
        ("analysis.losses.recovery_minutes", 1441, "Give minutes from 1 to 1440"),
        ("analysis.losses.usual_percentile", 101.0, "Give a percentile from 0 to 100"),
        ("analysis.losses.late_share", float("nan"), "Give a share from 0 to 1"),
        ("analysis.exits.give_back_share", 1.5, "give_back_share was 1.5. Give a share from 0 to 1"),
        ("analysis.exits.hold_threshold_bps", -1.0, "at least 0"),
    ],
)
def test_the_limits_of_the_analyses_are_settings_and_have_their_ranges(
    folder: Path, key: str, value: float, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        load(folder, {key: value})
    assert key in str(caught.value)
    changed = load(folder, {"analysis.losses.shock_ratio": 3.0, "analysis.exits.give_back_share": 0.25})
    assert (changed.analysis.losses.shock_ratio, changed.analysis.exits.give_back_share) == (3.0, 0.25)
    assert origin(changed, "analysis.losses.shock_ratio") == ("3.0", "command line")
    assert changed.digest("analysis") != load(folder).digest("analysis")
