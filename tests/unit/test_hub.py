"""A Hub that does not answer is found out in seconds."""

import time

import huggingface_hub
import pytest
from huggingface_hub import constants

from steadytune import hub


class Client:
    """What huggingface_hub asks with."""

    def __init__(self, status: int = 200, seconds: float = 0.0, error: Exception | None = None):
        self.status_code = status
        self.seconds = seconds
        self.error = error

    def head(self, url: str, timeout: float) -> "Client":
        time.sleep(self.seconds)
        if self.error:
            raise self.error
        return self


@pytest.mark.parametrize(
    ("client", "words"),
    [
        (Client(), None),
        (Client(404), None),
        (Client(503), "answered with status 503"),
        (Client(seconds=1), "did not answer within 0.1 seconds"),
        (Client(error=ConnectionError("no route")), "could not be reached: no route"),
    ],
)
def test_what_the_hub_answers(
    client: Client, words: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "SECONDS", 0.1)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: client)
    found = hub.unreachable()
    assert (found is None) if words is None else (found is not None and words in found)
    with hub.offline_if_unreachable() as problem:
        assert (problem is not None) == constants.HF_HUB_OFFLINE
    assert constants.HF_HUB_OFFLINE is False


def test_offline_mode_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub, "get_session", None)
    assert hub.unreachable() == "HF_HUB_OFFLINE is set"
