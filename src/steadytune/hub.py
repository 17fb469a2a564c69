"""Whether the Hugging Face Hub answers, known in seconds: its client tries for half a minute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import huggingface_hub
from huggingface_hub import constants

SECONDS = 4.0  # in which it must answer


def unreachable() -> str | None:
    """Why the Hub cannot be asked, in a few words; None where it answers.

    HF_HUB_OFFLINE, HF_ENDPOINT and the proxies of the environment are honoured.
    """
    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    problems = [f"{constants.ENDPOINT} did not answer within {SECONDS:g} seconds"]

    def ask() -> None:
        try:
            status = huggingface_hub.get_session().head(constants.ENDPOINT, timeout=SECONDS)
            code = status.status_code
            problems[:] = (
                [f"{constants.ENDPOINT} answered with status {code}"] if code >= 500 else []
            )
        except Exception as error:
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            problems[:] = [f"{constants.ENDPOINT} could not be reached: {said}"]

    thread = Thread(target=ask, daemon=True)  # looking up a name may hang longer than any timeout
    thread.start()
    thread.join(SECONDS)
    return next(iter(problems), None)


@contextmanager
def offline_if_unreachable() -> Iterator[str | None]:
    """Where the Hub does not answer, libraries look in their caches at once and nowhere else.

    Yields what ``unreachable`` says.
    """
    problem, before = unreachable(), constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or problem is not None
    try:
        yield problem
    finally:
        constants.HF_HUB_OFFLINE = before
