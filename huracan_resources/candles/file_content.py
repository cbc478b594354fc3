"""The bytes of a file, out of whatever they are packed in, and whether they are text at all.

What the text says is read in `file_text` and `file_json`.
"""

import gzip
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from huracan_resources.candles.file_listing import is_hidden

AGAIN = "Download it again; it may be cut short."

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_KINDS = {b"PAR1": ".parquet", b"ARROW1": ".feather", b"FEA1": ".feather", _GZIP: ".csv.gz", _ZIP: ".zip"}
_DEEPEST = 3  # a gzip file inside a zip occurs; more is somebody's joke
_MARKS = {b"\xff\xfe\x00\x00": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_UTF8_MARK = b"\xef\xbb\xbf"
_AS_UTF8 = "Save it as UTF-8, for example in PowerShell by Out-File -Encoding utf8, or export it again."


class Unreadable(ValueError):
    """What is wrong with a file, said as `it ...`, and what to do about it."""

    def __init__(self, told: str, remedy: str = AGAIN) -> None:
        super().__init__(told)
        self.remedy = remedy


@dataclass(frozen=True)
class Content:
    """The bytes, and the names of the files inside archives that they were taken from."""

    content: bytes
    inner_names: tuple[str, ...] = ()


def read_content(path: Path) -> Content:
    """The bytes of a plain or packed file, told by its first bytes and not by its name.

    Raises Unreadable, and what the libraries raise for what is damaged.
    """
    content, names = path.read_bytes(), []
    for _ in range(_DEEPEST):
        if content.startswith(_GZIP):
            content = gzip.decompress(content)
        elif content.startswith(_ZIP):
            content, name = _only_member(content)
            names.append(name)
        else:
            break
    refuse_other_kind(content)
    return Content(content, tuple(names))


def _only_member(content: bytes) -> tuple[bytes, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            member = _named_member(archive.infolist())
            return archive.read(member), PurePosixPath(member.filename).name
    except (RuntimeError, NotImplementedError) as error:  # a password, a rare method of compression
        raise Unreadable(
            f"it cannot be unpacked ({error})", "Unpack it there by the tool that made it."
        ) from error


def _named_member(members: Sequence[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    shown = [
        member
        for member in members
        if not member.is_dir() and not any(map(is_hidden, PurePosixPath(member.filename).parts))
    ]
    if len(shown) == 1:
        return shown[0]
    names = ", ".join(member.filename for member in shown[:3])
    told = f"it holds {len(shown)} files where one is expected"
    raise Unreadable(f"{told} ({names})" if names else told, "Unpack it there, and remove the archive.")


def refuse_other_kind(content: bytes, suffix: str = "") -> None:
    """Raise Unreadable where the first bytes are neither those of text nor of the kind `suffix`."""
    head = content[:512].removeprefix(_UTF8_MARK).lstrip()
    if not head:
        raise Unreadable("it is empty", "Download it again.")
    if head.startswith(b"version https://git-lfs"):
        raise Unreadable("it is a pointer of Git LFS and not the file", "Fetch the file by: git lfs pull.")
    if head.startswith(b"<"):
        raise Unreadable(
            "it is a web page (HTML or XML)", "Download it again, and look at what the server says in it."
        )
    kind = next((suffix for mark, suffix in _KINDS.items() if head.startswith(mark)), None)
    if kind not in (None, suffix):
        raise Unreadable(f"its content is of the kind {kind}", f"Let its name end in {kind}.")


def as_text(content: bytes) -> bytes:
    """The text in UTF-8 without a byte order mark. Raises Unreadable, naming the encoding, for any other."""
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    if encoding is None and b"\0" in content[:4]:
        encoding = "UTF-16 without a mark"
    if encoding is not None:
        raise Unreadable(f"its encoding is {encoding}, not UTF-8", _AS_UTF8)
    if (at := content.find(b"\0")) >= 0:
        raise Unreadable(f"it holds zero bytes from {line_of(content, at)} on: it was not written to its end")
    content = content.replace(b"\n" + _UTF8_MARK, b"\n").removeprefix(_UTF8_MARK)
    if not content.isascii():
        try:
            content.decode()
        except UnicodeDecodeError as error:
            where = line_of(content, error.start)
            raise Unreadable(
                f"its encoding is not UTF-8 (byte 0x{content[error.start]:02x} in {where})", _AS_UTF8
            ) from None
    return content


def line_of(content: bytes, position: int) -> str:
    """`line 17`, in which the byte at `position` lies."""
    return f"line {content.count(chr(10).encode(), 0, position) + 1}"
