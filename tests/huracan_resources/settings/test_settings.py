"""Settings come from defaults, profiles, environment and command line, and say which."""

import json
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from huracan.candles.market_info import MarketInfo
from huracan.errors import InvalidInput
from huracan_console.instance import environment
from huracan_resources.settings.settings import Settings, explain, load_settings
from huracan_resources.settings.sources import PROFILES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(
        "schedule: {hour: 3}\nmarket: {costs: {taker_fee_bps: 5, half_spread_bps: 2}}\n"
    )
    (tmp_path / "local.yaml").write_text("market: {costs: {half_spread_bps: 4}}\n")
    (tmp_path / "other.yaml").write_text("mode: research\n")
    return tmp_path


def _load(folder: Path, overrides: dict[str, object] | None = None, **environ: str) -> Settings:
    places = {"HURACAN_CONFIG_DIR": str(folder), "HURACAN_HOME": str(folder / "none")}
    return load_settings(overrides, places | environ)


def _origin(settings: Settings, key: str) -> tuple[str, str]:
    return {name: (value, origin) for name, value, origin in explain(settings)}[key]


def test_the_later_source_wins_and_every_value_knows_where_it_came_from(folder: Path) -> None:
    settings = _load(folder, {"market.costs.multiplier": 2.0}, HURACAN__SCHEDULE__HOUR="5")
    costs = settings.market.costs
    assert (settings.schedule.hour, costs.taker_fee_bps, costs.half_spread_bps, costs.multiplier) == (
        5,
        5,
        4,
        2,
    )
    assert _origin(settings, "schedule.hour") == ("5", "environment HURACAN__SCHEDULE__HOUR")
    assert _origin(settings, "market.costs.taker_fee_bps") == ("5.0", f"{folder.name}/base.yaml, line 2")
    assert _origin(settings, "market.costs.half_spread_bps") == ("4.0", f"{folder.name}/local.yaml, line 1")
    assert _origin(settings, "market.costs.multiplier") == ("2.0", "command line")
    assert _origin(settings, "universe.timeframe") == ("1m", "default")


def test_the_variable_huracan_env_picks_the_profile(folder: Path) -> None:
    settings = _load(folder, HURACAN_ENV="other")
    assert settings.mode == "research" and settings.market.costs.half_spread_bps == 2
    with pytest.raises(InvalidInput, match=r"'prod'.*Profiles: local, other"):
        _load(folder, HURACAN_ENV="prod")


def test_the_homes_own_profile_goes_before_the_profile_and_after_variables(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    (home / "huracan.yaml").write_text("schedule: {hour: 9}\nmarket:\n  costs: {half_spread_bps: 6}\n")
    settings = _load(folder, HURACAN_HOME=str(home), HURACAN__SCHEDULE__HOUR="5")
    assert (settings.schedule.hour, settings.market.costs.half_spread_bps) == (5, 6)
    assert _origin(settings, "market.costs.half_spread_bps") == ("6.0", "home/huracan.yaml, line 3")
    assert _load(folder, {"storage.home": home}).schedule.hour == 9
    (folder / "local.yaml").write_text(f"storage: {{home: {home}}}\nschedule: {{hour: 1}}\n")
    assert load_settings(environ={"HURACAN_CONFIG_DIR": str(folder)}).schedule.hour == 9
    assert _load(folder, HURACAN_HOME=str(folder)).schedule.hour == 1


def test_the_homes_own_profile_cannot_name_the_home_by_which_it_is_found(folder: Path) -> None:
    (folder / "huracan.yaml").write_text("mode: shadow\nstorage: {home: /elsewhere}\n")
    with pytest.raises(InvalidInput, match=r"huracan\.yaml, line 2: storage\.home .* set HURACAN_HOME"):
        _load(folder, HURACAN_HOME=str(folder))


def test_the_variable_huracan_mode_beats_the_profile(folder: Path) -> None:
    assert _load(folder, HURACAN_ENV="other", HURACAN_MODE="shadow").mode == "shadow"
    with pytest.raises(InvalidInput, match=r"environment HURACAN_MODE.*mode is wrong"):
        _load(folder, HURACAN_MODE="live")


def test_the_spot_market_its_perpetual_and_pairs_that_only_read_alike_are_different_markets(
    folder: Path,
) -> None:
    symbols = ("BTC/USDT", "BTC/USDT:USDT", "A/BC", "AB/C")
    assert _load(folder, {"universe.symbols": list(symbols)}).universe.symbols == symbols


@pytest.mark.parametrize("profile", ["local", "production", "monitoring"])
def test_the_shipped_profiles_load(profile: str, tmp_path: Path) -> None:
    environ = {"HURACAN_CONFIG_DIR": str(PROFILES), "HURACAN_ENV": profile, "HURACAN_HOME": str(tmp_path)}
    settings = load_settings(environ=environ)
    assert settings.universe.symbols == ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    assert settings.source.kind == ("ccxt" if profile == "production" else "simulated")


@pytest.mark.parametrize("profile", ["local", "production", "monitoring"])
def test_a_shipped_profile_sets_no_setting_to_its_default(profile: str, tmp_path: Path) -> None:
    defaults = {key: value for key, value, _ in explain(_load(tmp_path))}
    (tmp_path / "base.yaml").write_text((PROFILES / f"{profile}.yaml").read_text())
    changed = {key: value for key, value, origin in explain(_load(tmp_path)) if "base.yaml" in origin}
    assert {key for key, value in changed.items() if value == defaults[key]} == set()
    assert changed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("market: {cost: {}}", ["bad.yaml", "market.cost ", "Did you mean market.costs?"]),
        ("market: {costs: {taker_fee: 1}}", ["market.costs.taker_fee ", "market.costs.taker_fee_bps?"]),
        ("markets: 1", ["Did you mean market?"]),
        ("zzzzzz: 1", ["zzzzzz", "Known: mode, universe"]),
        ("market: 7", ["market is a section"]),
        ("schedule:\n  hour: 1\n bad: [", ["bad.yaml, line 3"]),
        ("- a\n", ["bad.yaml, line 1", "mapping"]),
        ("schedule: {hour: 24}", ["bad.yaml, line 1: the setting schedule.hour is wrong"]),
        ("schedule: {hour: soon}", ["schedule.hour"]),
        ("universe: {timeframe: 7m}", ["'7m'", "5m"]),
        ("universe: {symbols: []}", ["universe.symbols"]),
        ("universe: {symbols: [A/B, '']}", ["universe.symbols", "blank"]),
        ("universe: {symbols: [A/B, ' C/D']}", ["universe.symbols", "blank"]),
        ("universe: {symbols: [A/B, A/B]}", ["one market 2 times: 'A/B', 'A/B'"]),
        (
            "universe: {symbols: [BTC/USDT, BTCUSDT, ETH/USDT, btc/usdt]}",
            ["universe.symbols names one market 3 times: 'BTC/USDT', 'BTCUSDT', 'btc/usdt'", "as 'BTC/USDT'"],
        ),
        ("universe: {symbols: ['BTC/USDT:USDT', BTC-USDT_USDT]}", ["'BTC/USDT:USDT', 'BTC-USDT_USDT'"]),
        (
            "universe: {symbols: [BTC/USDT], markets: {BTCUSDT: {tick_size: 0.1}}}",
            ["universe.markets names 'BTCUSDT'", "spells 'BTC/USDT'"],
        ),
        (
            "universe: {symbols: [BTC/USDT], membership: {BTCUSDT: {last_day: 2025-01-01}}}",
            ["universe.membership names 'BTCUSDT'", "spells 'BTC/USDT'"],
        ),
        (
            "universe: {membership: {BTC/USDT: {first_day: 2025-01-02, last_day: 2025-01-01}}}",
            ["begins on 2025-01-02 and ends on 2025-01-01"],
        ),
        (
            "candles: {redenominations: [{symbol: BTCUSDT, moment: 2025-01-02T12:00:00Z, factor: 10}]}",
            ["candles.redenominations names 'BTCUSDT'", "spells 'BTC/USDT'"],
        ),
        (
            "candles: {redenominations: [{symbol: BTC/USDT, moment: 2025-01-02T12:00:30Z, factor: 10}]}",
            ["BTC/USDT at 2025-01-02 12:00:30 is at no bar's open of 1m"],
        ),
        ("universe: {first_day: yesterday}", ["universe.first_day"]),
        ("market: {costs: {taker_fee_bps: -1}}", ["taker_fee_bps"]),
        ("source: {kind: excel}", ["source.kind", "simulated"]),
        ("gates: {cost: {bufer_bps: 4}}", ["Did you mean gates.cost.buffer_bps?"]),
        ("gates: {cost_buffer_bps: 4}", ["Did you mean gates.cost.buffer_bps?"]),
        ("gates: {minimum_past_trades: 4}", ["Did you mean gates.", ".minimum_past_trades?"]),
        ("gates: {confidence_margin: {trend: 0}}", ["Did you mean gates.confidence.margin?"]),
        ("gates: {drift: {}}", ["gates.drift is unknown", "Known: cost, meta_label, confidence."]),
    ],
)
def test_a_wrong_file_is_one_line_that_says_where(folder: Path, text: str, words: list[str]) -> None:
    (folder / "bad.yaml").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        _load(folder, HURACAN_ENV="bad")
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("market: {costs: {taker_fee_bps: 40}}\nschedule: {hour: 3}\nmarket: {}\n", 3, "market"),
        (
            "market:\n  costs:\n    taker_fee_bps: 40\n    taker_fee_bps: 10\n",
            4,
            "market.costs.taker_fee_bps",
        ),
        ("market:\n  costs:\n    taker_fee_bps: yes\n", 3, "market.costs.taker_fee_bps"),
        ("schedule:\n  hour: on\n", 2, "schedule.hour"),
        ("schedule:\n  hour: 2:00\n", 2, "schedule.hour"),
        ("universe:\n\n  first_day: 2026-02-30\n", 3, "universe.first_day"),
        (
            "universe:\n  membership: {BTC/USDT: {last_day: 20250301}}\n",
            2,
            "universe.membership.BTC/USDT.last_day is no day of the calendar",
        ),
        ("universe:\n  first_day: 20220101\n", 2, "universe.first_day is no day of the calendar"),
        ("universe:\n  first_day: '0'\n", 2, "universe.first_day is no day of the calendar"),
        ("universe:\n  first_day: 2022-01-01 12:00:00\n", 2, "universe.first_day is a day, without a time"),
        ("market:\n  costs:\n    taker_fee_bps: .nan\n", 3, "taker_fee_bps was nan"),
        ("universe:\n  symbols: [BTC/USDT, NO]\n", 2, "universe.symbols"),
        ("universe: {markets: {BTC/USDT: {tick_size: off}}}\n", 1, "universe.markets"),
        ("\nuniverse:\n  symbols: []\n", 3, "universe.symbols"),
        ("training:\n  window_days: 3.5\n", 2, "training.window_days"),
        ("training:\n  lanes: .nan\n", 2, "training.lanes"),
        ("training:\n  total_stepz: 1\n", 2, "training.total_stepz"),
        ("training:\n  - total_steps\n", 1, "training"),
        ("web:\n  allowed_hosts: ['*']\n", 2, "web.allowed_hosts"),
    ],
)
def test_a_wrong_value_is_one_sentence_with_file_line_and_key(
    folder: Path, text: str, line: int, key: str
) -> None:
    (folder / "bad.yaml").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        _load(folder, HURACAN_ENV="bad")
    said = caught.value.what
    assert f"bad.yaml, line {line}: " in said and key in said, said
    assert "\n" not in said and said.count(". ") == 0, said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HURACAN__UNIVERSE__FIRST_DAY", "2026-02-30"),
        ("HURACAN__MARKET__COSTS__TAKER_FEE_BPS", "yes"),
        ("HURACAN__SCHEDULE__HOUR", "on"),
        ("HURACAN__SCHEDULE__HOUR", "2:00"),
        ("HURACAN__UNIVERSE__MARKETS", "{BTC/USDT: {tick_size: 1}, BTC/USDT: {tick_size: 2}}"),
        ("HURACAN__UNIVERSE__MARKETS", "{BTC/USDT: "),
        ("HURACAN__UNIVERSE__SYMBOLS", "[[[["),
    ],
)
def test_a_wrong_value_in_a_variable_is_one_sentence_that_names_it(
    folder: Path, name: str, text: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        _load(folder, **{name: text})
    assert name in caught.value.what and "\n" not in caught.value.what


def test_a_list_may_be_written_with_commas_anywhere(folder: Path) -> None:
    (folder / "local.yaml").write_text("universe: {symbols: 'A/B, C/D'}\n")
    assert _load(folder).universe.symbols == ("A/B", "C/D")
    assert _load(folder, {"universe.symbols": "E/F,G/H"}).universe.symbols == ("E/F", "G/H")


def test_a_number_is_read_as_it_is_written(folder: Path) -> None:
    (folder / "local.yaml").write_text("schedule: {hour: 010}\ntraining: {total_steps: 1_000_000}\n")
    settings = _load(folder)
    assert (settings.schedule.hour, settings.training.total_steps) == (10, 1_000_000)


def test_a_switch_may_still_be_yes_or_off(folder: Path) -> None:
    (folder / "local.yaml").write_text("schedule: {is_enabled: off}\n")
    assert _load(folder).schedule.is_enabled is False
    assert _load(folder, HURACAN__SCHEDULE__IS_ENABLED="yes").schedule.is_enabled is True


@pytest.mark.parametrize(
    "content", [b"\xff\xfem\x00o\x00", b"mode: sha\x00dow\n", b"database: {url: %hunter2}\n"]
)
def test_a_file_that_is_no_yaml_is_named_without_what_stands_in_it(folder: Path, content: bytes) -> None:
    (folder / "bad.yaml").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"bad\.yaml") as caught:
        _load(folder, HURACAN_ENV="bad")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_token_swaps_and_memberships_reach_every_process_as_they_were_said(folder: Path) -> None:
    swap = {"symbol": "BTC/USDT", "moment": "2025-01-02T00:00:00Z", "factor": 1000}
    left = {"SOL/USDT": {"last_day": "2025-01-01"}}
    said = _load(folder, {"candles.redenominations": [swap], "universe.membership": left})
    there = _load(folder, **{key: text for key, text in environment(said).items() if "__" in key})
    assert there.candles == said.candles and there.universe == said.universe
    assert there.digest() == said.digest()
    assert '"factor": 1000' in _origin(said, "candles.redenominations")[0]


@pytest.mark.parametrize(
    "content",
    [
        "signing:\n  private_key: !hunter2\n",
        "signing:\n  private_key: !hunter2!x\n",
        "signing: {private_key: *hunter2}\n",
        "alerts:\n  urls:\n  - !tgram://1:hunter2/x\n",
        "alerts: {urls: !!python/name:hunter2 x}\n",
    ],
)
def test_a_secret_that_yaml_takes_for_a_tag_or_an_alias_is_not_repeated(folder: Path, content: str) -> None:
    (folder / "bad.yaml").write_text(content)
    with pytest.raises(InvalidInput, match=r"bad\.yaml, line \d: a value begins with ! or \*") as caught:
        _load(folder, HURACAN_ENV="bad")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(InvalidInput, match="HURACAN__ALERTS__URLS, line 1: a value begins with"):
        _load(folder, HURACAN__ALERTS__URLS="[*hunter2]")


def test_a_markets_filters_are_set_by_symbol_and_count_in_the_digest(folder: Path) -> None:
    plain = _load(folder)
    assert plain.universe.filters("BTC/USDT").is_empty
    assert _origin(plain, "universe.markets") == ("none", "default")
    (folder / "local.yaml").write_text(
        "universe: {markets: {BTC/USDT: {tick_size: 0.01, minimum_notional: 5}}}\n"
    )
    settings = _load(folder)
    assert settings.universe.filters("BTC/USDT") == MarketInfo("BTC/USDT", 0.01, None, 5.0)
    assert settings.universe.filters("ETH/USDT").is_empty
    assert '"tick_size": 0.01' in _origin(settings, "universe.markets")[0]
    assert settings.digest("universe") != plain.digest("universe")
    changed = '{"BTC/USDT": {"step_size": 0.1}}'
    by_variable = _load(folder, HURACAN__UNIVERSE__MARKETS=changed)
    assert by_variable.universe.filters("BTC/USDT").step_size == 0.1
    said = {"BTC/USDT": {"step_size": 1e-05}}
    by_command = _load(folder, {"universe.markets": said})
    as_variable = environment(by_command)["HURACAN__UNIVERSE__MARKETS"]
    assert _load(folder, HURACAN__UNIVERSE__MARKETS=as_variable).universe.markets == said
    with pytest.raises(InvalidInput, match=r"universe\.markets is wrong"):
        _load(folder, {"universe.markets": {"BTC/USDT": {"lot_size": 1}}})
    with pytest.raises(InvalidInput, match=r"universe\.markets is wrong"):
        _load(folder, {"universe.markets": {"BTC/USDT": {"step_size": -1}}})


def test_an_unknown_variable_or_override_is_refused_by_its_name(folder: Path) -> None:
    with pytest.raises(InvalidInput, match=r"HURACAN__SCHEDULE__HOURS.*schedule\.hour\?"):
        _load(folder, HURACAN__SCHEDULE__HOURS="1")
    with pytest.raises(InvalidInput, match=r"command line.*source\.kid"):
        _load(folder, {"source.kid": "files"})


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="HURACAN_CONFIG_DIR"):
        _load(tmp_path / "none")


@pytest.mark.parametrize("text", ["A/B,C/D", "[A/B, C/D]", json.dumps(["A/B", "C/D"])])
def test_a_list_in_a_variable_is_written_as_one_likes(folder: Path, text: str) -> None:
    assert _load(folder, HURACAN__UNIVERSE__SYMBOLS=text).universe.symbols == ("A/B", "C/D")


def test_secrets_are_never_shown(folder: Path) -> None:
    settings = _load(
        folder,
        DATABASE_URL="postgresql://u:hunter2@h/d",
        HURACAN_ALERT_URLS="tgram://hunter2/1, slack://hunter2",
        HURACAN_SIGNING_KEY="hunter2",
        HURACAN__SOURCE__CCXT__API_KEY="12345678",
    )
    shown = json.dumps(explain(settings)) + repr(settings) + settings.model_dump_json()
    assert "hunter2" not in shown and "12345678" not in shown
    assert _origin(settings, "database.url") == ("********", "environment DATABASE_URL")
    assert [url.get_secret_value() for url in settings.alerts.urls] == ["tgram://hunter2/1, slack://hunter2"]


def test_the_password_of_an_address_is_not_shown_in_any_setting(folder: Path) -> None:
    settings = _load(folder, HURACAN__STORAGE__S3_ENDPOINT_URL="http://me:hunter2/x@minio:9000")
    assert _origin(settings, "storage.s3_endpoint_url")[0] == "http://me:***@minio:9000"
    settings = _load(folder, HURACAN__STORAGE__S3_ENDPOINT_URL="https://hunter2@minio:9000")
    assert _origin(settings, "storage.s3_endpoint_url")[0] == "https://***@minio:9000"
    settings = _load(folder, HURACAN__STORAGE__LAKE_URL="s3://hunter2@bucket/lake")
    assert _origin(settings, "storage.lake_url")[0] == "s3://***@bucket/lake"


def test_a_wrong_secret_is_not_in_the_error(folder: Path) -> None:
    (folder / "local.yaml").write_text("database: {url: [hunter2]}")
    with pytest.raises(InvalidInput) as caught:
        _load(folder)
    assert "hunter2" not in str(caught.value)


def test_the_digest_changes_with_what_a_night_computes_and_with_nothing_else(folder: Path) -> None:
    base = _load(folder)
    same = [
        _load(folder, DATABASE_URL="postgresql://h/d", HURACAN_HOME="/elsewhere"),
        _load(
            folder, {"schedule.hour": 9, "universe.first_day": "2023-01-01", "source.ccxt.exchange": "kraken"}
        ),
    ]
    assert {settings.digest() for settings in same} == {base.digest()}
    for change in (
        {"market.costs.taker_fee_bps": 6.0},
        {"universe.symbols": ["A/B"]},
        {"source.kind": "ccxt"},
    ):
        assert _load(folder, dict(change)).digest() != base.digest()
    dearer = _load(folder, {"market.costs.taker_fee_bps": 6.0})
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
    assert _load(folder, overrides).digest("source") == digest
    assert _load(folder, overrides | patient, **keys).digest("source") == digest


def test_a_gate_has_settings_of_its_own(folder: Path) -> None:
    settings = _load(
        folder, {"gates.confidence.margin.panic": 0.2}, HURACAN__GATES__META_LABEL__MINIMUM_PAST_TRADES="7"
    )
    gates = settings.gates
    assert gates["meta_label"].minimum_past_trades == 7 and gates["cost"].minimum_past_trades == 30
    assert gates["confidence"].margin.panic == 0.2 and gates["meta_label"].margin.panic == 0.05
    assert settings.digest("gates") != _load(folder).digest("gates")


def test_the_home_is_absolute_and_everything_lies_below_it(folder: Path, tmp_path: Path) -> None:
    storage = _load(folder, HURACAN_HOME=str(tmp_path / "a" / ".." / "b")).storage
    assert storage.lake == str(tmp_path / "b" / "lake") and storage.brains == str(tmp_path / "b" / "brains")
    assert _load(folder).storage.home.is_absolute()
    assert _load(folder, {"storage.lake_url": "s3://x/y"}).storage.lake == "s3://x/y"


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
    "costs", [{"maximum_slippage_bps": 5000.0}, {"maximum_slippage_bps": 3000.0, "multiplier": 2.0}]
)
def test_costs_that_the_scenarios_could_not_double_are_refused(folder: Path, costs: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=r"market\.costs at 2 times"):
        _load(folder, {f"market.costs.{name}": value for name, value in costs.items()})


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("analysis.losses.shock_ratio", 0.5, "shock_ratio was 0.5. Give at least 1"),
        ("analysis.losses.early_bars", 0, "early_bars was 0. Give at least 1"),
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
        _load(folder, {key: value})
    assert key in str(caught.value)
    changed = _load(folder, {"analysis.losses.shock_ratio": 3.0, "analysis.exits.give_back_share": 0.25})
    assert (changed.analysis.losses.shock_ratio, changed.analysis.exits.give_back_share) == (3.0, 0.25)
    assert _origin(changed, "analysis.losses.shock_ratio") == ("3.0", "command line")
    assert changed.digest("analysis") != _load(folder).digest("analysis")
