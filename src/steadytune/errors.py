"""The one exception for input that cannot be used."""


class BadInput(Exception):
    """What the user gave cannot be used; the message says what came, what is allowed, what to do.

    The command line prints the message and exits with status 2. A message may hold several lines
    when several things are wrong: all are reported at once.
    """
