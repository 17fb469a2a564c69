"""Depth: how far files are looked at, and what damage is found there."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import NamedTuple


class Depth(IntEnum):
    """How far files are looked at.

    RECORDS: records are read; of other files presence and size. CONTENTS: every byte but those of
    kept weights. EVERYTHING: these, too.
    """

    RECORDS = 0
    CONTENTS = 1
    EVERYTHING = 2


class Part(Enum):
    """What is damaged: the record itself, the rest of what tells of the run, or kept weights."""

    RECORD = "record"
    CONTENTS = "contents"
    WEIGHTS = "weights"


class Damage(NamedTuple):
    """What is wrong, as a sentence, and with what."""

    sentence: str
    of: Part
