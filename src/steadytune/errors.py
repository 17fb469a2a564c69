"""What is said about input that cannot be used, and about work that was cut short."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

_LONGEST = 100  # letters of a name: looking for the nearest takes the square of it


class BadInput(Exception):
    """What the user gave cannot be used; the message says what came, what is allowed, what to do.

    The command line prints the message and exits with status 2. A message may hold several lines
    when several things are wrong: all are reported at once.
    """

    exit_status = 2


class Damaged(BadInput):
    """A file of a study is not what was written there; the message names it. Exit status 3."""

    exit_status = 3


class Unreadable(Damaged):
    """The system refuses to give the file, which may be sound: it is left as it is."""


class Claimed(BadInput):
    """Another process writes there; the message says which, and since when. Exit status 3."""

    exit_status = 3


def nearest(name: str, allowed: Collection[str]) -> str:
    """``did you mean boxes? `` where a known name is like this one, else nothing."""
    found = get_close_matches(name, allowed, n=1) if len(name) <= _LONGEST else []
    return f"did you mean {found[0]}? " if found else ""


def not_known(what: str, name: str, allowed: Collection[str]) -> str:
    """The sentence for a name that is not among those allowed."""
    shown = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..."
    hint = nearest(name, allowed)
    return f"{what} {shown!r} is not known; {hint}there are {', '.join(allowed)}"


@contextmanager
def resumable() -> Iterator[None]:
    """Where runs are computed: an error or a stop there says that what finished is kept."""
    try:
        yield
    except (OSError, KeyboardInterrupt) as problem:
        problem.add_note("finished runs are kept; run the same command again to resume")
        raise
