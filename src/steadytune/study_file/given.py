"""Values as a user gave them, each with the place where: a line of a file, or an option."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml

from steadytune.escape import visible

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TAGS = frozenset(
    ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "seq", "map")
)
_MAX_SHOWN = 60
_LONGEST_OPTION = 200
_MOST_DIGITS = 100
_MOST_VALUES = 20_000  # what an alias stands for is counted each time
_DEEPEST = 40
_TOO_DEEP = f"nested too deep; a study file has at most {_DEEPEST} levels"
_TOO_MANY = (
    f"more than {_MOST_VALUES} values, those of aliases counted each time; write a shorter study "
    "file, such as with seeds: 500 in place of a list"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, eq=False)
class Given:
    """One value and its place.

    Attributes:
        value: a scalar, or a list or mapping of more of these.
        source: the file, or an option as it was typed, such as ``--set recipe.lr=3``.
        line: line in the file; None for an option.
    """

    value: Scalar | list[Given] | dict[str, Given]
    source: str
    line: int | None = None

    @property
    def place(self) -> str:
        """``study.yaml:12``, or the option."""
        if self.line is None:
            return shortened(visible(self.source), _LONGEST_OPTION)
        return f"{self.source}:{self.line}"

    def at_same_place(self, value: object) -> Given:
        """Another value, plain or already Given within, for which the user wrote this one."""
        if isinstance(value, Given):
            return value
        if isinstance(value, Mapping):
            entries = cast(Mapping[str, object], value)
            return Given(
                {key: self.at_same_place(entry) for key, entry in entries.items()},
                self.source,
                self.line,
            )
        if isinstance(value, list | tuple):
            items = cast(Iterable[object], value)
            return Given([self.at_same_place(item) for item in items], self.source, self.line)
        return Given(cast(Scalar, value), self.source, self.line)

    @property
    def plain(self) -> Any:  # noqa: ANN401  (whatever was given)
        """The value without places."""
        if isinstance(self.value, list):
            return [item.plain for item in self.value]
        if isinstance(self.value, dict):
            return {key: entry.plain for key, entry in self.value.items()}
        return self.value

    @property
    def shown(self) -> str:
        """The value as messages show it."""
        return shortened(visible(json.dumps(self.plain, ensure_ascii=False)))


def shortened(text: str, most: int = _MAX_SHOWN) -> str:
    """As much of a text as fits into a message."""
    return text if len(text) <= most else text[:most] + " ..."


class Unreadable(Exception):
    """Text that is not YAML as study files use it; ``args`` are the words and the line."""

    def __init__(self, words: str, line: int = 1) -> None:
        super().__init__(words, line)
        self.words, self.line = words, line


def parse(text: str, source: str, lines: bool = True) -> Given:
    """YAML with numbers and words as people mean them.

    ``2e-5`` is a number, ``on``, ``off``, ``yes`` and ``no`` are words, and there are no dates or
    tags (YAML 1.2's core schema).

    Args:
        text: the YAML.
        source: where it comes from.
        lines: whether line numbers mean anything there.

    Raises:
        Unreadable: the first thing that is wrong.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
        return _Reader(source, lines).given(node) if node else Given(None, source)
    except yaml.MarkedYAMLError as error:
        words = ", ".join(filter(None, (error.context, error.problem)))
        mark = error.problem_mark or error.context_mark
        raise Unreadable(f"not valid YAML: {words}", mark.line + 1 if mark else 1) from None
    except yaml.YAMLError as error:
        raise Unreadable(f"not valid YAML: {str(error).splitlines()[0]}") from None


def scalar(text: str) -> Scalar:
    """What an unquoted word means."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text) if len(text) <= _MOST_DIGITS else float(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return text


class _Size:
    """How many values were read and how deep in one another, up to what is allowed."""

    def __init__(self) -> None:
        self._values = self._depth = 0

    def enter(self, line: int) -> None:
        self._values += 1
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unreadable(_TOO_DEEP, line)
        if self._values > _MOST_VALUES:
            raise Unreadable(_TOO_MANY, line)

    def leave(self) -> None:
        self._depth -= 1


class _Loader(yaml.SafeLoader):
    """Stops at too many or too deep values while it reads, which takes long for so many."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._size = _Size()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401
        self._size.enter(self.line + 1)
        node = super().compose_node(parent, index)
        self._size.leave()
        return node


class _Reader:
    def __init__(self, source: str, lines: bool) -> None:
        self._source = source
        self._lines = lines
        self._size = _Size()

    def given(self, node: yaml.Node, place: yaml.Node | None = None) -> Given:
        """The node's value; a mapping's values lie where their keys are."""
        line = _line(place or node) if self._lines else None
        self._size.enter(_line(node))
        value = self._value(node)
        self._size.leave()
        return Given(value, self._source, line)

    def _value(self, node: yaml.Node) -> Scalar | list[Given] | dict[str, Given]:
        if node.tag.removeprefix("tag:yaml.org,2002:") not in _TAGS:
            raise Unreadable(f"the tag {node.tag} has no meaning here", _line(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.given(item) for item in cast(list[yaml.Node], node.value)]
        text = _word(node)
        return scalar(text) if cast(yaml.ScalarNode, node).style is None else text

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Given]:
        found: dict[str, Given] = {}
        lines: dict[str, int] = {}
        for key, value in cast(list[tuple[yaml.Node, yaml.Node]], node.value):
            if not isinstance(key, yaml.ScalarNode):
                raise Unreadable("a key must be a word", _line(key))
            name = _word(key)
            if name == "<<" and key.style is None:
                raise Unreadable(
                    "merge keys (<<) have no meaning here; a recipe takes the fields of another "
                    "with base: NAME",
                    _line(key),
                )
            if name in found:
                where = f"on lines {lines[name]} and {_line(key)}"
                shown = shortened(visible(name))
                raise Unreadable(f"{shown}: given twice, {where}; keep one", _line(key))
            found[name] = self.given(value, key)
            lines[name] = _line(key)
        return found


def _word(node: yaml.Node) -> str:
    text = cast(str, node.value)
    if _SURROGATE.search(text):
        raise Unreadable(
            f'"{shortened(visible(text))}" holds half of a surrogate pair, which is no character; '
            "write the character itself, or \\U and its eight digits",
            _line(node),
        )
    return text


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1
