"""Paths as users give them, to paths of the file system: the one place where ``~`` is expanded."""

from __future__ import annotations

import os
from pathlib import Path

from steadytune.errors import BadInput
from steadytune.escape import visible

_NAME_BYTES, _PATH_BYTES = 255, 4095  # what file systems of Linux, macOS and Windows allow
_SHOWN = 60


def as_path(given: str | os.PathLike[str]) -> Path:
    """The path that was meant, with ``~`` and ``~user`` expanded.

    Args:
        given: text or a path. Where a user wrote ``--out=~/x`` the shell did not expand it.

    Raises:
        BadInput: no path, no such user, or longer than file systems allow.
    """
    try:
        text = os.fspath(given)
    except TypeError:
        raise BadInput(f"{given!r} is not a path; give text or a pathlib.Path") from None
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise BadInput(f"{given!r} is not a path; give text or a pathlib.Path, not bytes")
    if not text or "\0" in text:
        what = "an empty path" if not text else f"{_short(text)}: a path cannot hold a NUL"
        raise BadInput(f"{what}; give the path of a file or folder")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput(
            f"{_short(text)}: not UTF-8, which the files of a study must be; rename it"
        ) from None
    try:
        path = Path(text).expanduser() if text.startswith("~") else Path(text)
    except RuntimeError:
        user = text.partition("/")[0]
        raise BadInput(
            f"{_short(text)}: there is no user {user[1:]!r} here whose home {_short(user)} could "
            "be; write the path out, or ./~... for a name that begins with ~"
        ) from None
    if path.parts[:1] and path.parts[0].startswith("~"):
        path = path.absolute()  # pathlib drops the ./ of ./~/x
    if any(_size(part) > _NAME_BYTES for part in path.parts) or _size(str(path)) > _PATH_BYTES:
        raise BadInput(
            f"{_short(text)}: too long for a path; a name has at most {_NAME_BYTES} bytes, a path "
            f"{_PATH_BYTES}"
        )
    return path


def _size(text: str) -> int:
    return len(os.fsencode(text))


def _short(text: str) -> str:
    return visible(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
