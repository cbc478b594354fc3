"""What the console says of a run that failed: the cause in one line, whoever raised it."""

import errno
import signal
import time
from collections.abc import Callable
from datetime import date

import dagster as dg
import pytest
from click.testing import CliRunner

from huracan.errors import InputRefused, InvalidInput, Unavailable
from huracan_console.answering.unforeseen import explained, told_trace
from huracan_console.main import main
from huracan_console.runs import FinishedRun, RunStarter
from huracan_resources.settings.secrets import remember, withhold

DAY = date(2025, 2, 6)
DAYS = dg.DailyPartitionsDefinition(start_date="2025-02-01")


def _run(
    body: Callable[[], dg.MaterializeResult[None]], *checks: dg.AssetCheckSpec, retries: int = 0
) -> FinishedRun:
    policy = dg.RetryPolicy(max_retries=retries)

    @dg.asset(name="candles", partitions_def=DAYS, check_specs=list(checks), retry_policy=policy)
    def candles() -> dg.MaterializeResult:  # type: ignore[type-arg]
        return body()

    jobs = [dg.define_asset_job("market", [candles])]
    made = dg.Definitions(assets=[candles], jobs=jobs, executor=dg.in_process_executor)
    with dg.DagsterInstance.ephemeral() as instance:
        return RunStarter(made, instance).run("market", DAY, {})


def _verdict(name: str, reason: str, severity: dg.AssetCheckSeverity) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, check_name=name, description=reason, severity=severity)


def test_a_check_that_refuses_is_told_with_its_reason() -> None:
    asked = [
        dg.AssetCheckSpec(name, asset="candles", blocking=name == "sanity") for name in ("sanity", "novelty")
    ]

    def judged() -> dg.MaterializeResult[None]:
        results = [
            _verdict("novelty", "It only warns.", dg.AssetCheckSeverity.WARN),
            _verdict("sanity", "7 bars jump by 1000 times.", dg.AssetCheckSeverity.ERROR),
        ]
        return dg.MaterializeResult(check_results=results)

    failed = _run(judged, *asked)
    assert not failed.is_success and failed.failed_step == "candles"
    assert failed.error == "sanity: 7 bars jump by 1000 times."


def _raising(error: Exception) -> Callable[[], dg.MaterializeResult[None]]:
    def body() -> dg.MaterializeResult[None]:
        raise error

    return body


def test_what_nobody_foresaw_is_told_by_its_kind_and_first_line() -> None:
    failed = _run(_raising(LookupError("first line\nsecond line")))
    assert failed.error == "LookupError: first line"
    assert "second line" in failed.trace


def test_what_failed_until_no_retry_was_left_is_told_as_if_there_had_been_none() -> None:
    assert _run(_raising(LookupError("gone")), retries=1).error == "LookupError: gone"


def test_a_note_that_came_with_an_error_does_not_hide_what_it_says() -> None:
    error = RuntimeError("The process ended.")
    error.add_note("In the process of seed 1:\nTraceback of another process")
    assert _run(_raising(error)).error == "RuntimeError: The process ended."
    ours = InputRefused("It was judged bad.", "Mend it.")
    ours.add_note("elsewhere")
    assert _run(_raising(ours)).error == "It was judged bad. Mend it."


def test_a_secret_in_somebody_elses_words_is_withheld() -> None:
    remember("planted-5150")
    failed = _run(_raising(ValueError("no such host planted-5150")))
    assert failed.error == "ValueError: no such host ***" and "planted-5150" not in failed.trace


def test_ours_behind_another_error_is_what_a_person_is_told() -> None:
    ours = Unavailable("The exchange did not answer.", "Try later.")
    outer = RuntimeError("resource initialisation failed")
    outer.__cause__ = ours
    told = explained(outer)
    assert isinstance(told, Unavailable) and str(told) == str(ours)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/disk/a"), InvalidInput, "The disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/disk/a"), InvalidInput, "Access was refused"),
        (MemoryError("Unable to allocate 9 GiB"), Unavailable, "Unable to allocate 9 GiB"),
        (KeyError("day"), Unavailable, "KeyError: 'day'. That was not foreseen"),
        (ModuleNotFoundError("No module named 'torch'"), InvalidInput, "make install"),
    ],
)
def test_a_foreign_error_is_one_line_with_its_cause(
    error: Exception, kind: type[Exception], words: str
) -> None:
    told = explained(error)
    assert type(told) is kind and words in str(told) and "\n" not in str(told)


def test_a_traceback_is_shown_without_secrets() -> None:
    remember("postgresql://me:p%40ss-word@db.example/huracan")
    try:
        raise ValueError("connection to db.example as me with p@ss-word failed")
    except ValueError as error:
        trace = told_trace(error)
    assert "p@ss-word" not in trace and "db.example" in trace and "Traceback" in trace


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("postgresql://me:a/b?c#d@h:5/x", "password a/b?c#d was wrong"),
        ("postgresql://me@h/x?sslpassword=tls-secret", "tls-secret"),
        ("tgram://123456789:AAEabcdef/chat", "bot AAEabcdef is gone"),
        ("mailto://bob:s3cr,et99@mail.example", "s3cr,et99"),
    ],
)
def test_parts_of_an_address_that_are_secret_are_withheld(value: str, said: str) -> None:
    remember(value)
    shown = withhold(said)
    assert "***" in shown
    for secret in ("a/b?c#d", "tls-secret", "AAEabcdef", "s3cr,et99"):
        assert secret not in shown


@pytest.mark.parametrize("words", [("postgresql://me:hunter2@h/x",), ("trade", "a", "tgram://1:hunter2@h")])
def test_an_address_among_the_words_is_not_repeated_with_its_password(words: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 2 and "hunter2" not in answer.output and "***" in answer.output


@pytest.mark.parametrize(
    "words",
    [
        ("nightly", "signing.private_key=hunter2"),
        ("HURACAN_SIGNING_KEY=hunter2",),
        ("HURACAN_SIGNING_KEY=a hunter2",),
        ("nightly", "--date", "hunter2 a=hunter2"),
        ("tgram://1:hunter2/chat",),
        ("nightly", "--set", "database.url=postgresql://bob:my", "hunter2", "pass@h/db"),
        ("nightly", "--set", "postgresql://bob:pa.hunter2@h/db?sslmode=require"),
        ("nightly", "--set", "tgram://1:hunter2/chat?x=1"),
        ("nightly", "--set", "tgram://1:hunter2/chat?x=[1"),
        ("nightly", "--set", "signing.private_key:hunter2="),
        ("nightly", "--set", "Ahunter2+hunter2/hunter2="),
    ],
)
def test_a_secret_in_the_wrong_place_of_the_command_line_is_not_repeated(words: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 2 and "hunter2" not in answer.output
    assert "***" in answer.output or "withheld" in answer.output


@pytest.mark.parametrize(
    ("url", "hidden", "said"),
    [
        (
            "postgresql://huracan:huracan@h/huracan",
            ":huracan@",
            "run huracan backfill in /home/x/.huracan/lake",
        ),
        ("postgresql://me:postgres@h/x", ":postgres@", "The database postgresql://h/x does not answer."),
        ("postgresql://me:trade@h/x", ":trade@", "The lake has trades."),
        ("postgresql://bot_4711:bot_4711@h/x", ":bot_4711@", "GRANT USAGE ON SCHEMA public TO bot_4711;"),
        ("postgresql://me:night_4712@h/night_4712", ":night_4712@", "night_4712 is empty"),
        ("postgresql://h/x?user=bot_4713&sslpassword=trades", "=trades", "The lake has trades."),
    ],
)
def test_a_password_that_is_a_word_is_hidden_in_addresses_alone(url: str, hidden: str, said: str) -> None:
    remember(url)
    assert withhold(said) == said
    for address in (url, url.replace("postgresql://", "postgresql+psycopg2://")):
        shown = withhold(f"no answer of {address}")
        assert hidden not in shown and "***" in shown


@pytest.mark.parametrize("text", ["postgresql://me@h/x", "file:///home/me@corp/lake", "s3://bucket/a@b"])
def test_a_user_of_a_database_and_a_path_with_an_at_sign_are_shown(text: str) -> None:
    assert withhold(text) == text


def test_what_is_no_secret_of_a_database_is_shown() -> None:
    remember("postgresql://127.0.0.1:1/huracan_of_mine")
    assert withhold("postgresql://127.0.0.1:1/huracan_of_mine") == "postgresql://127.0.0.1:1/huracan_of_mine"


@pytest.mark.parametrize("retries", [0, 3])
def test_ctrl_c_in_a_step_stops_the_run_though_it_may_be_tried_again(retries: int) -> None:
    calls = 0

    def body() -> dg.MaterializeResult[None]:
        nonlocal calls
        calls += 1
        signal.raise_signal(signal.SIGINT)
        time.sleep(5)
        return dg.MaterializeResult()

    with pytest.raises(KeyboardInterrupt):
        _run(body, retries=retries)
    assert calls == 1
