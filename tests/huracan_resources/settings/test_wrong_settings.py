"""A wrong setting is told in one sentence with who said it, and never with a secret."""

import json
import traceback
from pathlib import Path

import pytest

from huracan.errors import InvalidInput
from huracan_resources.settings.former import FORMER
from huracan_resources.settings.settings import Settings, explain
from tests.huracan_resources.settings.written_profiles import load, origin


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
        ("gates: {cost: {mode: obey}}", ["gates.cost.mode", "'off'", "'advisory'"]),
        ("gates: {uncertainty: {profile: long}}", ["gates.uncertainty.profile", "'scalp' or 'runner'"]),
        (
            "gates: {regret: {maximum_regret: {scalp: 2}}}",
            ["maximum_regret.scalp was 2", "0 to 1"],
        ),
        ("gates: {cost: {buffer_bps: .nan}}", ["gates.cost.buffer_bps was nan", "finite"]),
        ("gates: {meta_label: {margin: {calm: 0}}}", ["gates.meta_label.margin", "calm"]),
        ("gate_worth: {adopts: all}", ["gate_worth.adopts", "'nothing', 'proposals', 'governor' or 'both'"]),
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
            "universe: {markets: {BTC/USDT: {step_size: -1}}}",
            ["universe.markets: The step_size of BTC/USDT was -1", "from 0 on"],
        ),
        (
            "universe: {markets: {BTC/USDT: {taker_fee_bps: cheap}}}",
            ["bad.yaml, line 1", "universe.markets: The taker_fee_bps of BTC/USDT was 'cheap'", "a number"],
        ),
        (
            "universe: {markets: {BTC/USDT: {kind: option}}}",
            ["universe.markets: The kind of BTC/USDT was 'option'", "spot, perpetual"],
        ),
        (
            "universe: {markets: {BTC/USDT: {lot_size: 1}}}",
            ["universe.markets is wrong (BTC/USDT, lot_size): ", "'maker_fee_bps'"],
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
        ("market: {costs: {half_spread_bps: -1}}", ["half_spread_bps"]),
        ("source: {kind: excel}", ["source.kind", "simulated"]),
        ("gates: {cost: {bufer_bps: 4}}", ["Did you mean gates.cost.buffer_bps?"]),
        ("gates: {cost_buffer_bps: 4}", ["Did you mean gates.cost.buffer_bps?"]),
        ("gates: {minimum_past_trades: 4}", ["Did you mean gates.", ".minimum_past_trades?"]),
        ("gates: {confidence_margin: {trend: 0}}", ["Did you mean gates.confidence.margin?"]),
        (
            "market: {rules: {maximum_holding_bars: 60}}",
            ["line 1: the setting market.rules.maximum_holding_bars is one of an earlier version", "are 2h"],
        ),
        ("market: {rules: {scratch_bars: 5}}", ["an earlier version", "Write market.rules.scratch_age"]),
        ("market: {rules: {volatility_horizon_bars: 5}}", ["Write market.rules.volatility_horizon"]),
        ("market: {rules: {entry_margin_bars: 5}}", ["an earlier version", "Remove it"]),
        (
            "analysis: {losses: {early_bars: 3}}",
            ["an earlier version", "Write analysis.losses.early_minutes"],
        ),
        ("analysis: {losses: {minimum_held_bars: 9}}", ["Write analysis.losses.minimum_held_minutes"]),
        (
            "market: {rules: {maximum_holding: 90}}",
            ["maximum_holding: 90 is not a span", "such as 90m"],
        ),
        ("market: {rules: {maximum_holding: long}}", ["line 1: the setting", "'long' is not a span of time"]),
        (
            "market: {rules: {maximum_holding: 30m}, decision_timeframe: 1h}",
            ["line 1: market.rules.maximum_holding is 30m, shorter than a decision bar of 1h"],
        ),
        (
            "market: {rules: {maximum_holding: 1d}}",
            ["line 1: training.ppo.half_life is 4h, shorter than market.rules.maximum_holding, 1d"],
        ),
        (
            "market: {decision_timeframe: 4h}\ntraining: {embargo_days: 2}",
            ["line 2: training.embargo_days is 2, shorter than market.rules.maximum_holding, 7d"],
        ),
        ("market: {rules: {maximum_leverage: 0.5}}", ["line 1: maximum_leverage", "Give 1 (none) or more"]),
        (
            "market: {rules: {maximum_leverage: 2, maintenance_tiers: [{up_to_usd: 9, rate: 0.1},"
            " {up_to_usd: 5, rate: 0.2}]}}",
            ["line 1: maintenance_tiers of the trading rules do not rise"],
        ),
        (
            "gates: {drift: {}}",
            ["gates.drift is unknown", "Known: cost, fill_probability,", "engine_health."],
        ),
        ("gates: {cost: {mode: bound}}", ["line 1: the setting gates.cost.mode is wrong", "'binding'"]),
        (
            "gates: {regret: {maximum_regret: {scalp: 2}}}",
            ["line 1: gates.regret.maximum_regret.scalp was 2", "Give a probability from 0 to 1"],
        ),
    ],
)
def test_a_wrong_file_is_one_line_that_says_where(folder: Path, text: str, words: list[str]) -> None:
    (folder / "bad.yaml").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load(folder, HURACAN_ENV="bad")
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
        load(folder, HURACAN_ENV="bad")
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
        load(folder, **{name: text})
    assert name in caught.value.what and "\n" not in caught.value.what


@pytest.mark.parametrize(
    "content", [b"\xff\xfem\x00o\x00", b"mode: sha\x00dow\n", b"database: {url: %hunter2}\n"]
)
def test_a_file_that_is_no_yaml_is_named_without_what_stands_in_it(folder: Path, content: bytes) -> None:
    (folder / "bad.yaml").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"bad\.yaml") as caught:
        load(folder, HURACAN_ENV="bad")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


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
        load(folder, HURACAN_ENV="bad")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(InvalidInput, match="HURACAN__ALERTS__URLS, line 1: a value begins with"):
        load(folder, HURACAN__ALERTS__URLS="[*hunter2]")


def test_an_unknown_variable_or_override_is_refused_by_its_name(folder: Path) -> None:
    with pytest.raises(InvalidInput, match=r"HURACAN__SCHEDULE__HOURS.*schedule\.hour\?"):
        load(folder, HURACAN__SCHEDULE__HOURS="1")
    with pytest.raises(InvalidInput, match=r"command line.*source\.kid"):
        load(folder, {"source.kid": "files"})


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="HURACAN_CONFIG_DIR"):
        load(tmp_path / "none")


def test_secrets_are_never_shown(folder: Path) -> None:
    settings = load(
        folder,
        DATABASE_URL="postgresql://u:hunter2@h/d",
        HURACAN_ALERT_URLS="tgram://hunter2/1, slack://hunter2",
        HURACAN_SIGNING_KEY="hunter2",
        HURACAN__SOURCE__CCXT__API_KEY="12345678",
    )
    shown = json.dumps(explain(settings)) + repr(settings) + settings.model_dump_json()
    assert "hunter2" not in shown and "12345678" not in shown
    assert origin(settings, "database.url") == ("********", "environment DATABASE_URL")
    assert [url.get_secret_value() for url in settings.alerts.urls] == ["tgram://hunter2/1, slack://hunter2"]


def test_the_password_of_an_address_is_not_shown_in_any_setting(folder: Path) -> None:
    settings = load(folder, HURACAN__STORAGE__S3_ENDPOINT_URL="http://me:hunter2/x@minio:9000")
    assert origin(settings, "storage.s3_endpoint_url")[0] == "http://me:***@minio:9000"
    settings = load(folder, HURACAN__STORAGE__S3_ENDPOINT_URL="https://hunter2@minio:9000")
    assert origin(settings, "storage.s3_endpoint_url")[0] == "https://***@minio:9000"
    settings = load(folder, HURACAN__STORAGE__LAKE_URL="s3://hunter2@bucket/lake")
    assert origin(settings, "storage.lake_url")[0] == "s3://***@bucket/lake"


def test_a_wrong_secret_is_not_in_the_error(folder: Path) -> None:
    (folder / "local.yaml").write_text("database: {url: [hunter2]}")
    with pytest.raises(InvalidInput) as caught:
        load(folder)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "costs", [{"maximum_slippage_bps": 5000.0}, {"maximum_slippage_bps": 3000.0, "multiplier": 2.0}]
)
def test_costs_that_the_scenarios_could_not_double_are_refused(folder: Path, costs: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=r"market\.costs at 2 times"):
        load(folder, {f"market.costs.{name}": value for name, value in costs.items()})


def test_a_former_setting_is_known_no_more_and_what_is_to_be_written_instead_is() -> None:
    known = {key for key, _, _ in explain(Settings())}
    assert not known & set(FORMER)
    named = {word.rstrip(",.:") for remedy in FORMER.values() for word in remedy.split() if "." in word[:-1]}
    assert {word for word in named if word.split(".")[0] in Settings.model_fields} <= known
    assert len(named & known) >= 3
