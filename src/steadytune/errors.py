"""The exceptions that a user reads: what cannot be used, and why."""


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
