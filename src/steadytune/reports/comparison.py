"""The comparison of two recipes as text, Markdown or JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict
from enum import StrEnum

from steadytune.analysis.compare import Answer
from steadytune.analysis.evidence import Question
from steadytune.escape import markdown, visible
from steadytune.reports.strict_json import strict_json

_ASKED = {
    Question.LEVEL: "Which is better on average?",
    Question.SPREAD: "Which is steadier?",
    Question.FAILURES: "Which fails less often?",
    Question.IMPROVEMENT: "Will a run of one beat a run of the other?",
    Question.ORDER: "Is one better from its worst runs to its best?",
    Question.EXAMPLES: "How large would the difference be on other examples?",
}
CAPTION = (
    "Metrics x 100 on dev, over all ended runs, failed ones included; standard deviations with "
    "ddof = 1. The first three questions get verdicts: p-values are corrected together for all "
    "verdicts on this page (Holm), so the chance that any of them is wrong is 5 %. The others are "
    "described by an interval and get no verdict. Intervals are 95 %, each for itself: of means, "
    "the permutation test inverted; of failed shares, Newcombe; of the rest, bootstrap."
)


def as_text(answers: Sequence[Answer], width: int | None = None) -> str:
    """Question by question, the answer of each task, and what to keep in mind at the end.

    Args:
        answers: of any number of questions and tasks.
        width: columns to fold lines at; None leaves every sentence on its line.
    """
    lines = list[str]()
    for heading, sentences in _sections(answers).items():
        lines += [heading, *(_folded(visible(sentence), width) for sentence in sentences), ""]
    return "\n".join([*lines, _folded(CAPTION, width, indent="")])


def _folded(text: str, width: int | None, indent: str = "  ") -> str:
    if width is None:
        return indent + text
    more = indent * 2
    return textwrap.fill(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=more,
        break_long_words=False,
        break_on_hyphens=False,
    )


def as_markdown(answers: Sequence[Answer]) -> str:
    """The same with headings and lists."""
    lines = list[str]()
    for heading, sentences in _sections(answers).items():
        lines += [f"### {heading}", "", *(f"- {markdown(sentence)}" for sentence in sentences), ""]
    return "\n".join([*lines, CAPTION])


def as_json(answers: Sequence[Answer]) -> str:
    """A list of objects with the fields of Answer; metrics as fractions."""
    return strict_json([asdict(one) for one in answers])


def _sections(answers: Sequence[Answer]) -> dict[str, list[str]]:
    """Headings and their sentences: each question, what was refused, what to keep in mind."""
    found: dict[str, list[str]] = {}
    for one in answers:
        if one.verdict != "refused":
            found.setdefault(_ASKED[one.question], []).append(one.sentence)
    for heading, sentences in (
        ("Not compared", _refused(answers)),
        ("Keep in mind", notes(answers)),
    ):
        if sentences:
            found[heading] = sentences
    return found


def _refused(answers: Sequence[Answer]) -> list[str]:
    """One sentence a task and reason, with all questions that it stands against."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for one in answers:
        if one.verdict == "refused":
            reason = "; ".join(one.warnings)
            found.setdefault((one.task, one.encoder, reason), []).append(one.question.value)
    return [
        f"{task} ({encoder}), {', '.join(questions)}: {reason}."
        for (task, encoder, reason), questions in found.items()
    ]


def notes(answers: Sequence[Answer]) -> list[str]:
    """Every warning once, with its tasks where it is not of all of them."""
    places = dict.fromkeys(f"{one.task} ({one.encoder})" for one in answers)
    found: dict[str, dict[str, None]] = {}
    for one in answers:
        if one.verdict != "refused":
            for warning in one.warnings:
                told = f"{_sentence(warning, one)}."
                found.setdefault(told, {})[f"{one.task} ({one.encoder})"] = None
    return [
        told if len(of) == len(places) else f"{', '.join(of)}: {told}" for told, of in found.items()
    ]


def _sentence(warning: str, of: Answer) -> str:
    """With a capital, unless it begins with a recipe's name."""
    named = warning.startswith((of.a, of.b))
    return warning if named else warning[:1].upper() + warning[1:]


class Format(StrEnum):
    """Output formats of ``compare``."""

    text = "text"
    json = "json"
    markdown = "markdown"


FORMATS: dict[str, Callable[[Sequence[Answer]], str]] = {
    "text": as_text,
    "json": as_json,
    "markdown": as_markdown,
}
