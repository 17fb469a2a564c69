"""The ``steadytune`` command, also as ``python -m steadytune``.

Python has put the current folder first in the search path by then, so imports come after its
removal.
"""

import sys

from steadytune.search_path import leave_out_current_folder

_STOPPED = 130  # as cli/terminal.py has it


def main() -> None:
    """Import the command line, which takes a while, and run it."""
    leave_out_current_folder()
    try:
        from steadytune.cli import main as command
    except KeyboardInterrupt:
        print("\nstopped before it began", file=sys.stderr)  # noqa: T201
        sys.exit(_STOPPED)
    command()


if __name__ == "__main__":
    main()
