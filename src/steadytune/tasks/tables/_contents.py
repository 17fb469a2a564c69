"""What a file really is: other formats under a known suffix, and text in other encodings."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from steadytune.errors import BadInput

_HEAD = 1 << 16
_UTF8 = ("utf-8", "utf-8-sig")
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SHEET = "save the sheet as CSV UTF-8"
_MAGIC = {
    b"\x1f\x8b": "compressed by gzip; unpack it first (gunzip)",
    b"BZh": "compressed by bzip2; unpack it first (bunzip2)",
    b"\xfd7zXZ\x00": "compressed by xz; unpack it first (unxz)",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; unpack it first (unzstd)",
    b"PK\x03\x04": f"an Excel workbook or another zip archive; {_SHEET}, or unpack it first",
    b"\xd0\xcf\x11\xe0": f"an old Excel workbook; {_SHEET}",
    b"PAR1": "a Parquet file; rename it to .parquet",
    b"%PDF": "a PDF document; a task needs rows of text and label",
    b"<!DOCTYPE": "a web page, perhaps an error page of a download; download the file anew",
    b"<!doctype": "a web page, perhaps an error page of a download; download the file anew",
    b"<html": "a web page, perhaps an error page of a download; download the file anew",
    b"version https://git-lfs": "a pointer of Git LFS, not the file; run git lfs pull",
}


def refuse_disguised(path: Path) -> None:
    """Refuse an empty file, and a file that is of another format than its suffix says.

    Raises:
        BadInput: it says which, and what to do.
        OSError: the file cannot be read.
    """
    head = _head(path)
    if not head.strip(codecs.BOM_UTF8 + b" \t\r\n") and path.stat().st_size <= _HEAD:
        raise BadInput(f"{path} is empty")
    for magic, what in _MAGIC.items():
        if head.startswith(magic) and not (magic == b"PAR1" and path.suffix.lower() == ".parquet"):
            raise BadInput(f"{path} is {what}")


def text_lines(path: Path, encoding: str | None) -> Iterator[str]:
    """The lines of a text file with their line ends, read as they are asked for.

    Lines end in LF or CRLF; in a file without any LF they end in CR. A byte-order mark is dropped.

    Raises:
        BadInput: an unknown encoding, bytes that are not of it, or a NUL; with its line.
    """
    codec = _codec(path, encoding)
    head = _head(path).decode(codec, errors="ignore")
    if head.count("\0") > len(head) // 4:
        raise BadInput(
            f"{path}: about every second byte is NUL, so it is probably UTF-16 text without a"
            " byte-order mark; read it with --set task.encoding=utf-16-le, or save it as UTF-8"
        )
    ends = "\r" if "\r" in head and "\n" not in head else "\n"
    with path.open(encoding=codec, newline=ends) as file:
        try:
            for number, line in enumerate(file, 1):
                if "\0" in line:
                    raise BadInput(
                        f"{path}: line {number} holds a NUL character (byte 0), so the file is"
                        " damaged or is no text; remove it"
                    )
                yield line.removeprefix("\ufeff") if number == 1 else line
        except UnicodeError:
            raise BadInput(_undecodable(path, codec)) from None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _codec(path: Path, encoding: str | None) -> str:
    head = _head(path)
    mark = next((name for start, name in _MARKS.items() if head.startswith(start)), None)
    if encoding is None:
        if mark is not None:
            raise BadInput(
                f"{path} is {mark.upper()} text (its byte-order mark says so), not UTF-8; read it"
                f" with --set task.encoding={mark}, or save it as UTF-8"
            )
        return "utf-8-sig"
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
        b"".decode(name)
    except (LookupError, ValueError, UnicodeError):
        raise BadInput(
            f"task.encoding {encoding!r} is no text encoding that is known; allowed are the names"
            " of Python's codecs, such as utf-8, utf-16, cp1252, latin-1, gb18030, shift_jis"
        ) from None
    return "utf-8-sig" if name in _UTF8 else name


def _undecodable(path: Path, codec: str) -> str:
    data = path.read_bytes()
    try:
        data.decode(codec)
    except UnicodeDecodeError as error:
        start = error.start + (len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0)
    except UnicodeError as error:
        return f"{path} is not {codec} text ({error}); choose another task.encoding"
    else:  # pragma: no cover - the file was changed while it was read
        return f"{path} was changed while it was read; run the command again"
    where = (
        f"{path}: line {data.count(_line_feed(codec), 0, start) + 1} holds byte 0x{data[start]:02x}"
    )
    if codec != "utf-8-sig":
        return f"{where}, which is not {codec}; choose another task.encoding"
    return (
        f"{where}, which is not UTF-8; if the file is Western Windows text (cp1252) that is"
        f" {_around(data, start)!r}: read it with --set task.encoding=cp1252 (or the encoding it"
        " has), or save it as UTF-8"
    )


def _line_feed(codec: str) -> bytes:
    return "\n".encode(codec.replace("-sig", "")).removeprefix(codecs.BOM_UTF16)


def _around(data: bytes, start: int) -> str:
    """The word around a byte, read as cp1252."""
    begins = max(data.rfind(mark, 0, start) for mark in (b" ", b"\n", b",", b"\t", b'"')) + 1
    ends = min(
        (
            at
            for mark in (b" ", b"\n", b"\r", b",", b"\t", b'"')
            if (at := data.find(mark, start)) > 0
        ),
        default=len(data),
    )
    return data[max(begins, start - 20) : min(ends, start + 20)].decode("cp1252", errors="replace")
