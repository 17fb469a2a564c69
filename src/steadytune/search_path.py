"""Where Python looks for modules: never in the current folder.

A user's folder may hold a ``random.py`` or ``tokenizers.py``. Nothing but what the interpreter has
loaded at its start is imported here, as this is what makes other imports safe.
"""

import os
import sys


def without_current_folder(path: list[str]) -> list[str]:
    """Entries of a search path but for the current folder; the one that holds steadytune stays.

    That one comes last if it is the current folder: a source tree, whose files shadow nothing then.
    """
    try:
        here = os.path.realpath(os.getcwd())  # noqa: PTH109 - pathlib is not loaded yet
    except FileNotFoundError:  # it was removed
        here = ""
    kept = [entry for entry in path if entry and os.path.realpath(entry) != here]
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    return kept if any(os.path.realpath(e) == os.path.realpath(own) for e in kept) else [*kept, own]


def leave_out_current_folder() -> None:
    """Import nothing from the current folder from here on."""
    sys.path[:] = without_current_folder(sys.path)
