"""How every command answers: in one line or one object, whatever went wrong, and by its exit code.

What went wrong and what to do about it is worded where it arises, or in `unforeseen`.
"""

import gc
import json
import re
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from huracan.errors import InvalidInput
from huracan_console.safe_text import plain

if TYPE_CHECKING:
    from rich.console import Console

DONE, FAILED, WRONG_USE, STOPPED = 0, 1, 2, 130

_UNASKED = re.compile(r"^(Got unexpected extra arguments?) \(.*\)", re.DOTALL)
_ASSIGNED = re.compile(r"(?:'[^']*|\"[^\"]*|\S*)(?:(?<!<)[=@]|://).*", re.DOTALL)
"""A setting without --set, an address or a piece of one, and what follows: where it ends cannot be told."""


class Interrupted(KeyboardInterrupt):
    """Somebody stopped a command of which `share` (0 to 1) was done, and which goes on where it stopped."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share


def progress_console(as_json: bool) -> "Console":
    """Progress goes to standard error, so that standard output stays clean for scripts."""
    from rich.console import Console

    return Console(stderr=True, quiet=as_json)


def shared_options(command: Callable[..., int]) -> Callable[..., None]:
    """The options that every command takes, and one line instead of a traceback."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output, for scripts.")
    @click.option("--verbose", is_flag=True, help="Show tracebacks.")
    @click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="SECTION.KEY=VALUE",
        help="Override one setting; repeatable.",
    )
    @wraps(command)
    def guarded(as_json: bool, verbose: bool, **options: Any) -> None:
        try:
            if as_json and options.get("as_csv"):
                raise InvalidInput("--csv was given beside --json.", "Give one of them.")
            code = command(as_json=as_json, verbose=verbose, **options)
        except (BrokenPipeError, click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, a person is told in one line
            code = _explain(error, as_json=as_json, verbose=verbose)
        except KeyboardInterrupt as stopped:
            code = _stop(stopped, as_json=as_json)
        finally:
            gc.enable()
        sys.exit(code)

    return guarded


def _explain(error: Exception, *, as_json: bool, verbose: bool) -> int:
    """Tell of any exception in one line, or as one object, and where it arose if that is asked for."""
    from huracan_console.answering.unforeseen import explained, told_trace

    if verbose:
        click.echo(told_trace(error), err=True, nl=False)
    said = explained(error)
    if as_json:
        click.echo(json.dumps({"error": said.what, "remedy": said.remedy}))
    else:
        click.echo(f"huracan: {plain(said.what)} {plain(said.remedy)}", err=True)
    return WRONG_USE if isinstance(said, InvalidInput) else FAILED


def _stop(stopped: KeyboardInterrupt, *, as_json: bool) -> int:
    """Tell that it was stopped, and how far it had come where that is known."""
    what = f"Stopped at {stopped.share:.0%}." if isinstance(stopped, Interrupted) else "Stopped."
    remedy = "What is done stays done; the same command goes on." if isinstance(stopped, Interrupted) else ""
    if as_json:
        click.echo(json.dumps({"error": what, "remedy": remedy}))
    else:
        click.echo(f"huracan: {what} {remedy}".rstrip(), err=True)
    return STOPPED


def _without_values(said: str) -> str:
    """What click says, without the words of a command line that may be secrets, known or not yet read."""
    from huracan_resources.settings.secrets import STARS, withhold

    return _ASSIGNED.sub(STARS, _UNASKED.sub(rf"\1 ({STARS})", withhold(said)))


class OneLineGroup(click.Group):
    """Says what is wrong with an option in one line, like every other wrong input; click would take four."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        try:
            answer = super().main(args, prog_name, complete_var, False, **extra)
        except click.ClickException as error:
            if isinstance(error, click.exceptions.NoArgsIsHelpError):
                error.show()
            else:
                what = f"{plain(_without_values(error.format_message()).rstrip('.'))}."
                if "--json" in (sys.argv[1:] if args is None else args):
                    click.echo(json.dumps({"error": what, "remedy": "See --help."}))
                else:
                    click.echo(f"huracan: {what} See --help.", err=True)
            sys.exit(error.exit_code)
        if standalone_mode:
            sys.exit(answer if isinstance(answer, int) else DONE)
        return answer
