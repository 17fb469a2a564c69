"""CSV and TSV: rows of fields, in columns from the start, so that memory holds only what is asked.

CSV is read by RFC 4180. TSV has no quoting, as in GLUE and most corpora, unless it is asked for:
with quoting, one text that begins with a double quote takes all lines up to the next one.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from steadytune.errors import BadInput
from steadytune.tasks.tables._contents import text_lines
from steadytune.tasks.tables._header import first_line_hint
from steadytune.tasks.tables._table import SEPARATORS, Dialect, Table, find

_LONGEST_FIELD = 1 << 30  # the csv module's own limit of 131 072 characters cuts off documents
_SEP_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)  # Excel's, before the header


@dataclass(frozen=True)
class _Row:
    begins: int  # line of the file
    ends: int
    fields: list[str]


@dataclass
class _Layout:
    """How a file is cut into fields."""

    path: Path
    separator: str
    quoted: bool
    width: int = 0
    ragged: list[_Row] = field(default_factory=list[_Row])  # the first
    number_ragged: int = 0

    def note(self, row: _Row) -> None:
        """A row of another width than the header's."""
        self.number_ragged += 1
        if not self.ragged:
            self.ragged.append(row)


def read_delimited(
    path: Path, wanted: Collection[str], dialect: Dialect, *, separator: str, quoting: str
) -> Table:
    """The wanted columns.

    Args:
        path: the file.
        wanted: names of the columns to keep.
        dialect: what was said about the file; it wins over Excel's ``sep=`` line, and that over
            ``separator`` and ``quoting``, the suffix's.
        separator: as in ``SEPARATORS``.
        quoting: ``standard`` or ``none``.

    Raises:
        BadInput: rows of different widths, quotes that do not close or close too late, lone CRs;
            with the line and the way out.
    """
    lines = text_lines(path, dialect.encoding)
    first = next(lines, "")
    sep_line = _SEP_LINE.fullmatch(first)
    mark = SEPARATORS[dialect.separator or separator]
    if sep_line and dialect.separator is None:
        mark = sep_line[1]
    skipped = 1 if sep_line else 0
    layout = _Layout(path, mark, (dialect.quoting or quoting) == "standard")
    limit = csv.field_size_limit(_LONGEST_FIELD)
    try:
        rows = _rows(layout, lines if sep_line else chain([first], lines), skipped)
        return _table(layout, rows, wanted, dialect.columns)
    finally:
        csv.field_size_limit(limit)


def _rows(layout: _Layout, lines: Iterator[str], skipped: int) -> Iterator[_Row]:
    """Rows that are not blank."""
    reader = csv.reader(
        lines,
        delimiter=layout.separator,
        quoting=csv.QUOTE_MINIMAL if layout.quoted else csv.QUOTE_NONE,
        strict=True,
    )
    ends = skipped
    try:
        for fields in reader:
            begins, ends = ends + 1, reader.line_num + skipped
            if len(fields) > 1 or (fields and fields[0].strip()):
                yield _Row(begins, ends, fields)
    except csv.Error as error:
        raise BadInput(_unreadable(layout, ends + 1, reader.line_num + skipped, error)) from None


def _unreadable(layout: _Layout, begins: int, ends: int, error: csv.Error) -> str:
    if "new-line character" in str(error):
        return (
            f"{layout.path}: line {ends} holds a lone carriage return (CR) inside a row; lines end"
            " in LF or CRLF: remove it, or put the field in double quotes in a CSV file"
        )
    reason = str(error).replace("unexpected end of data", "its last quote is never closed")
    return (
        f"{layout.path}: line {begins} cannot be read ({reason}); a field that begins with a double"
        ' quote must end with one, and quotes inside it are doubled (""); if quotes are characters'
        " like any other here, --set task.quoting=none"
    )


def _table(
    layout: _Layout, rows: Iterator[_Row], wanted: Collection[str], columns: Sequence[str] | None
) -> Table:
    header = next(rows, None)
    if header is None:
        raise BadInput(f"{layout.path} is empty")
    names = tuple(columns or header.fields)
    if columns is not None:
        rows = chain([header], rows)
        _check_columns(layout, header, columns)
    layout.width = len(names)
    values: dict[str, list[str]] = {}
    found = find(layout.path, names, wanted)
    kept = [(values.setdefault(name, []), position) for name, position in found]
    places, spans = array("q"), list[_Row]()
    for row in rows:
        fields = row.fields
        if len(fields) != layout.width:
            layout.note(row)
            continue
        places.append(row.begins)
        if row.ends > row.begins:
            spans.append(row)
        for column, position in kept:
            column.append(fields[position])
    if layout.ragged:
        raise BadInput(_ragged(layout, header, columns))
    _refuse_swallowed(layout, spans, dict(found), values)
    cautions = () if layout.quoted else tuple(_looks_quoted(layout, values, places))
    hint = "" if columns else first_line_hint(layout.separator, header.fields)
    return Table(layout.path, names, values, places, "line", cautions, hint)


def _check_columns(layout: _Layout, first: _Row, columns: Sequence[str]) -> None:
    if len(first.fields) != len(columns):
        raise BadInput(
            f"{layout.path}: line {first.begins} has {len(first.fields)} fields, but task.columns"
            f" names {len(columns)} ({', '.join(columns)}); name every column of the file"
        )
    if [name.strip() for name in first.fields] == list(columns):
        raise BadInput(
            f"{layout.path}: line {first.begins} already names the columns; leave task.columns out"
        )


def _ragged(layout: _Layout, header: _Row, columns: Sequence[str] | None) -> str:
    row, width = layout.ragged[0], layout.width
    others = f" ({layout.number_ragged} such rows)" if layout.number_ragged > 1 else ""
    whose = "task.columns" if columns else f"the header (line {header.begins})"
    has = f"{len(row.fields)} field{'s' if len(row.fields) > 1 else ''}"
    start = f"{layout.path}: line {row.begins} has {has}, {whose} {width}{others}"
    separator = repr(layout.separator)
    if width == 1:
        return f"{start}; {first_line_hint(layout.separator, header.fields)}"
    if len(row.fields) == width + 1 and not row.fields[-1].strip():
        return f"{start}; it ends with a separator {separator} too many: remove it"
    if layout.quoted:
        return (
            f"{start}; put fields that hold the separator {separator} or a line end in double"
            " quotes"
        )
    if any(one.startswith('"') for one in row.fields):
        return (
            f"{start}; if double quotes enclose fields in this file, --set task.quoting=standard;"
            f" else no field may hold the separator {separator} or a line end"
        )
    return (
        f"{start}; without quoting no field may hold the separator {separator} or a line end:"
        " remove it, or write CSV or JSON lines"
    )


def _refuse_swallowed(
    layout: _Layout,
    spans: Sequence[_Row],
    positions: Mapping[str, int],
    values: Mapping[str, Sequence[str]],
) -> None:
    """Refuse fields that hold rows: each line within has the file's width and known values.

    A quote that opens a text by chance closes at the next such quote, many lines below. A text of
    several lines differs: its lines, cut at separators, do not all end in a label of the file.
    """
    for row in spans:
        text = layout.separator.join(row.fields)
        lines = [line.rstrip("\r").split(layout.separator) for line in text.split("\n")]
        if any(len(line) != layout.width for line in lines):
            continue
        for name, position in positions.items():
            within = {line[position].strip() for line in lines}
            if within <= {value.strip() for value in values[name]}:
                raise BadInput(
                    f"{layout.path}: line {row.begins}: a double quote opens a field that ends on"
                    f" line {row.ends} and holds what looks like {len(lines)} rows; if quotes are"
                    " characters like any other here, --set task.quoting=none; else double the"
                    ' quotes inside fields ("")'
                )


def _looks_quoted(
    layout: _Layout, values: Mapping[str, Sequence[str]], places: Sequence[int]
) -> Iterator[str]:
    """Fields as a writer that quotes leaves them: in quotes, and quotes inside doubled."""
    for name, column in values.items():
        rows = [row for row, value in enumerate(column) if value[:1] == '"' and _enclosed(value)]
        if rows:
            yield (
                f"{layout.path}: {len(rows)} of {len(column)} fields in column {name!r} are in"
                f" double quotes with quotes inside doubled (first: line {places[rows[0]]}); they"
                " are read as they stand; if the file was written with quoting, --set"
                " task.quoting=standard"
            )


def _enclosed(value: str) -> bool:
    inner = value[1:-1]
    return (
        len(value) > 2 and value[-1] == '"' and '""' in inner and '"' not in inner.replace('""', "")
    )
