"""Users' files in every format, and every way in which one can be wrong."""

import csv
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steadytune.errors import BadInput
from steadytune.study import TaskChoice
from steadytune.tasks import load
from steadytune.tasks.tables import FORMATS

TRICKY = ['plain "quoted"', "comma, tab\tand\nnewline", "\u00fcml\u00e4ut \u2028 \U0001f600", '"']


def rows_of(size=20, **columns):
    """Rows with a text and a label by turns; further columns from functions of the index."""
    makers = {"text": lambda i: f"text {i}", "label": lambda i: "yes" if i % 2 else "no", **columns}
    return [{name: make(i) for name, make in makers.items()} for i in range(size)]


def write(path, rows):
    if path.suffix in (".csv", ".tsv"):
        with path.open("w", newline="", encoding="utf-8") as file:
            delimiter = "," if path.suffix == ".csv" else "\t"
            writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path.write_text("".join(lines), encoding="utf-8")
    return str(path)


def refused(choice, *parts):
    """The message of the BadInput that loading raises; it holds every part."""
    with pytest.raises(BadInput) as caught:
        load(choice)
    message = str(caught.value)
    for part in parts:
        assert part in message
    return message


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same_task(tmp_path, suffix):
    rows = rows_of(text=lambda i: TRICKY[i % 4] + str(i), pair=lambda i: f"pair, {i}")
    path = write(tmp_path / f"data{suffix}", rows)
    quoting = "standard" if suffix == ".tsv" else None  # as the csv module writes it
    task = load(TaskChoice(path, pair="pair", quoting=quoting))
    assert task.label_names == ("no", "yes")
    assert (len(task.train), len(task.dev["dev"])) == (16, 4)
    found = {}
    for split in (task.train, task.dev["dev"]):
        assert split.pairs is not None
        found |= dict(zip(split.texts, zip(split.pairs, split.labels, strict=True), strict=True))
    expected = {row["text"]: (row["pair"], i % 2) for i, row in enumerate(rows)}
    assert found == expected
    chosen = "pair=pair,quoting=standard" if quoting else "pair=pair"
    assert task.name == task.facts.name == f"{path}[{chosen}]"
    reference = write(tmp_path / "reference.jsonl", rows)
    assert load(TaskChoice(reference, pair="pair")).facts.digest == task.facts.digest


def test_dev_is_held_out_stratified_and_seeded(tmp_path):
    rows = rows_of(100, label=lambda i: "rare" if i % 5 == 0 else "common")
    path = write(tmp_path / "data.csv", rows)
    task = load(TaskChoice(path, dev_share=0.3))
    assert np.bincount(task.train.labels).tolist() == [56, 14]
    assert np.bincount(task.dev["dev"].labels).tolist() == [24, 6]
    assert not set(task.train.texts) & set(task.dev["dev"].texts)
    assert task.facts.baseline["dev"]["accuracy"] == pytest.approx(0.8)
    again = load(TaskChoice(path, dev_share=0.3))
    other = load(TaskChoice(path, dev_share=0.3, dev_seed=1))
    assert again.facts == task.facts
    assert other.dev["dev"].texts != task.dev["dev"].texts


def test_a_subset_leaves_dev_alone(tmp_path):
    path = write(tmp_path / "data.csv", rows_of(50))
    whole, part = load(TaskChoice(path)), load(TaskChoice(path, train_size=10))
    assert part.dev["dev"].texts == whole.dev["dev"].texts
    assert len(part.train) == 10
    assert set(part.train.texts) < set(whole.train.texts)
    refused(TaskChoice(path, train_size=41), "train_size is 41", "only 40")


def test_a_given_dev_may_have_another_format(tmp_path):
    train = write(tmp_path / "train.parquet", rows_of(label=lambda i: i % 3))
    dev = write(tmp_path / "dev.tsv", rows_of(6, label=lambda i: i % 2))
    task = load(TaskChoice(train, dev=dev))
    assert (len(task.train), len(task.dev["dev"])) == (20, 6)
    assert task.label_names == ("0", "1", "2")
    assert task.metrics == ("accuracy", "macro_f1", "matthews")
    assert task.dev["dev"].labels.tolist() == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ([10, 9, 2], ("2", "9", "10")),
        (["10", "9", "2"], ("2", "9", "10")),
        ([1.0, 0.0, -1.0], ("-1", "0", "1")),
        (["1.0", "0", "-1"], ("-1", "0", "1.0")),
        (["01", "1", "10"], ("01", "1", "10")),
        (["007", "008", "007"], ("007", "008")),
        ([1, "1", 1.0, 0, False, 1], ("0", "1", "False")),
        (["NA", "FR", "DE"], ("DE", "FR", "NA")),
        (["b", "10", "9"], ("10", "9", "b")),
        ([True, False, True], ("False", "True")),
        (["pos", " pos ", "neg"], ("neg", "pos")),
        (["1_0", "2", "3"], ("1_0", "2", "3")),
    ],
)
def test_classes_are_in_the_order_of_numbers_or_the_alphabet(tmp_path, written, names):
    path = write(tmp_path / "data.jsonl", rows_of(30, label=lambda i: written[i % len(written)]))
    assert load(TaskChoice(path)).label_names == names


def test_numbers_that_are_not_whole_are_scores(tmp_path):
    path = write(tmp_path / "data.csv", rows_of(label=lambda i: i / 4))
    task = load(TaskChoice(path))
    assert task.label_names is None
    assert task.metrics == ("pearson_spearman", "pearson", "spearman", "mean_squared_error")
    assert sorted([*task.train.labels, *task.dev["dev"].labels]) == [i / 4 for i in range(20)]


def test_labels_can_be_declared(tmp_path):
    whole = write(tmp_path / "whole.csv", rows_of(label=lambda i: i % 5))
    assert load(TaskChoice(whole, labels="scores")).num_outputs == 1
    halves = write(tmp_path / "halves.csv", rows_of(label=lambda i: i % 2 + 0.5))
    assert load(TaskChoice(halves, labels="classes")).label_names == ("0.5", "1.5")


def test_scores_are_decided_on_both_files_together(tmp_path):
    train = write(tmp_path / "train.csv", rows_of(label=lambda i: i / 4))
    dev = write(tmp_path / "dev.csv", rows_of(4, label=lambda i: i))
    assert load(TaskChoice(train, dev=dev)).label_names is None


def test_a_byte_order_mark_and_blank_lines_are_no_content(tmp_path):
    path = tmp_path / "data.csv"
    lines = [f"text {i},{'ab'[i % 2]}" for i in range(10)]
    path.write_text("text,label\r\n\r\n" + "\r\n".join(lines) + "\r\n\r\n", encoding="utf-8-sig")
    task = load(TaskChoice(str(path)))
    assert len(task.train) + len(task.dev["dev"]) == 10


def test_a_long_text_is_read_whole(tmp_path):
    path = write(tmp_path / "data.csv", rows_of(text=lambda i: f"{i} " + "word " * 40_000))
    assert csv.field_size_limit() == 131_072
    assert len(load(TaskChoice(path)).train.texts[0]) > 200_000


def test_choice_of_other_columns(tmp_path):
    columns = {"body": lambda i: f"b{i}", "class": lambda i: i % 2, "extra": lambda i: [1.0] * 3}
    path = write(tmp_path / "data.parquet", rows_of(**columns))
    task = load(TaskChoice(path, text="body", label="class"))
    assert task.train.texts[0].startswith("b")
    assert task.label_names == ("0", "1")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("none.csv", "does not exist (looked from"),
        ("data.xlsx", "has suffix '.xlsx'; allowed are .csv, .tsv, .jsonl, .ndjson, .parquet"),
        ("data", "has no suffix; allowed are .csv"),
        ("folder", "is a folder"),
    ],
)
def test_files_that_cannot_be_opened(tmp_path, name, part):
    (tmp_path / "data.xlsx").write_bytes(b"x")
    (tmp_path / "data").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    refused(TaskChoice(str(tmp_path / name)), name, part)


@pytest.mark.parametrize("suffix", FORMATS)
def test_empty_files_and_files_without_rows(tmp_path, suffix):
    path = tmp_path / f"data{suffix}"
    path.write_bytes(b"")
    refused(TaskChoice(str(path)), f"data{suffix} is empty")
    if suffix == ".parquet":
        pq.write_table(pa.table({"text": pa.array([], pa.string()), "label": []}), path)
    elif suffix in (".csv", ".tsv"):
        path.write_text("text,label\n".replace(",", "," if suffix == ".csv" else "\t"))
    else:
        return
    refused(TaskChoice(str(path)), "has no rows")


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("a.csv", b"text,label\na,b\n\xff,c\n", ["line 3", "0xff", "not UTF-8"]),
        ("a.jsonl", b'{"text": "a"}\n{"text": "\xe9"}\n', ["line 2", "0xe9", "UTF-8"]),
        (
            "a.csv",
            b"text,label\na,b\nc,d,e\nf\n",
            ["line 3 has 3 fields", "header (line 1) 2", "2 such"],
        ),
        ("a.csv", b'text,label\n"a\nb",c\nd\n', ["line 4 has 1 field,"]),
        ("a.csv", b'text,label\na,b\n"open,c\nd,e\n', ["line 3 cannot be read", "double quote"]),
        ("a.csv", b'text,label\n"a"x,b\n', ["line 2 cannot be read"]),
        ("a.csv", b"text,text,label\na,b,c\n", ["column 'text' is there twice"]),
        ("a.csv", b"text;label\na;b\n", ["there are 'text;label'", "task.separator=semicolon"]),
        ("a.jsonl", b'{"text": "a"}\n\n{"text": \n', ["line 3 is not JSON"]),
        ("a.jsonl", b'[\n{"text": "a"}]\n', ["one JSON array"]),
        ("a.jsonl", b'["a", "b"]\n', ["line 1 is a JSON list, not an object"]),
        ("a.parquet", b"PAR1 this is no parquet PAR1", ["not a readable Parquet file"]),
        ("a.parquet", b"text", ["not a readable Parquet file"]),
    ],
)
def test_content_that_cannot_be_read(tmp_path, name, content, parts):
    path = tmp_path / name
    path.write_bytes(content)
    refused(TaskChoice(str(path)), str(path), *parts)


def test_a_truncated_parquet_file(tmp_path):
    path = tmp_path / "data.parquet"
    write(path, rows_of(500))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refused(TaskChoice(str(path)), "not a readable Parquet file")
    path.write_bytes(content[:100] + b"\0" * 200 + content[300:])
    refused(TaskChoice(str(path)), "not a readable Parquet file")


def test_wrong_columns_of_both_files_are_reported_together(tmp_path):
    train = write(tmp_path / "train.csv", rows_of(Text=lambda i: "a"))
    dev = write(tmp_path / "dev.csv", rows_of())
    message = refused(
        TaskChoice(train, dev=dev, text="txet", label="lable"),
        "train.csv: no column 'txet' for the text; there are 'text', 'label', 'Text'",
        "did you mean 'label'?",
    )
    assert message.count("no column") == 4


def test_one_column_cannot_serve_twice(tmp_path):
    path = write(tmp_path / "data.csv", rows_of())
    refused(TaskChoice(path, pair="text"), "chosen twice (text=text, label=label, pair=text)")


@pytest.mark.parametrize(
    ("suffix", "empty", "where"),
    [
        (".csv", "", "lines 5, 6, 7, 8, 9 and 2 more"),
        (".jsonl", " \n", "lines 4, 5, 6, 7, 8 and 2 more"),
        (".jsonl", None, "lines 4, 5, 6, 7, 8 and 2 more"),
        (".parquet", None, "rows 4, 5, 6, 7, 8 and 2 more"),
    ],
)
def test_empty_texts_are_listed(tmp_path, suffix, empty, where):
    rows = rows_of(text=lambda i: empty if 3 <= i < 10 else f"text {i}")
    path = write(tmp_path / f"data{suffix}", rows)
    refused(TaskChoice(path), where, "column 'text' is empty (7 of 20 rows)")


def test_texts_that_are_no_text(tmp_path):
    rows = rows_of(text=lambda i: 5 if i == 2 else "a", pair=lambda i: "" if i == 4 else "b")
    path = write(tmp_path / "data.jsonl", rows)
    refused(
        TaskChoice(path, pair="pair"),
        "line 3: column 'text' is not text",
        "line 5: column 'pair' is empty",
    )
    (tmp_path / "half.jsonl").write_text('{"text": "\\ud800", "label": 1}\n')
    refused(TaskChoice(str(tmp_path / "half.jsonl")), "line 1", "lone surrogate")


def test_labels_that_hold_several_values(tmp_path):
    path = write(tmp_path / "data.jsonl", rows_of(label=lambda i: [1] if i == 2 else i % 2))
    refused(TaskChoice(path), "line 3: column 'label' holds a list ([1])")


@pytest.mark.parametrize("missing", ["", None, float("nan")])
def test_missing_labels_are_listed(tmp_path, missing):
    rows = rows_of(label=lambda i: missing if i in (2, 5) else i % 2)
    path = write(tmp_path / "data.jsonl", rows)
    refused(TaskChoice(path), "lines 3, 6: no label to use in column 'label'")


def test_a_number_that_is_not_finite_is_no_class(tmp_path):
    path = write(tmp_path / "data.csv", rows_of(label=lambda i: "nan" if i == 3 else i % 2))
    refused(TaskChoice(path), "line 5: no label to use", "'nan'")


def test_a_single_class_is_refused(tmp_path):
    path = write(tmp_path / "data.csv", rows_of(label=lambda i: "same"))
    refused(TaskChoice(path), "all 20 rows have the label 'same'", "at least two classes")
    train, dev = write(tmp_path / "t.csv", rows_of()), write(tmp_path / "d.csv", rows_of(1))
    refused(TaskChoice(train, dev=dev), "d.csv: all 1 rows have the label 'no'")


def test_labels_seen_only_in_dev_are_refused(tmp_path):
    train = write(tmp_path / "train.csv", rows_of())
    dev = write(tmp_path / "dev.csv", rows_of(6, label=lambda i: "new" if i > 3 else "yes"))
    refused(
        TaskChoice(train, dev=dev),
        "dev.csv: lines 6, 7: label 'new' is not among the training labels 'no', 'yes'",
    )


def test_a_column_of_identifiers_is_no_label(tmp_path):
    path = write(tmp_path / "data.csv", rows_of(label=lambda i: f"id{i}"))
    refused(TaskChoice(path), "20 different labels in 20 rows", "labels=scores")


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf", "", "high"])
def test_scores_must_be_finite_numbers(tmp_path, bad):
    path = write(tmp_path / "data.csv", rows_of(label=lambda i: bad if i == 7 else i / 3))
    refused(TaskChoice(path, labels="scores"), "line 9", "must be a finite number", repr(bad))
    if bad != "high" and bad:  # found out by itself, too
        refused(TaskChoice(path), "line 9", "must be a finite number")


def test_constant_scores_are_refused(tmp_path):
    path = write(tmp_path / "data.csv", rows_of(label=lambda i: 0.5))
    refused(TaskChoice(path), "every score in column 'label' is 0.5")


def test_too_few_examples_to_hold_any_out(tmp_path):
    path = write(tmp_path / "data.csv", rows_of(4))
    refused(TaskChoice(path), "4 examples with dev_share 0.2", "dev would not hold two classes")
    task = load(TaskChoice(path, dev_share=0.5))
    assert (len(task.train), len(task.dev["dev"])) == (2, 2)
    alone = write(tmp_path / "alone.csv", rows_of(5, label=lambda i: "ab"[i == 0]))
    refused(TaskChoice(alone, dev_share=0.4), "dev would not hold two classes")


def test_a_dev_file_that_is_not_there(tmp_path):
    train = write(tmp_path / "train.csv", rows_of())
    refused(TaskChoice(train, dev=str(tmp_path / "dev.csv")), "dev.csv does not exist")
    refused(TaskChoice(train, dev=str(tmp_path / "dev.txt")), "dev.txt has suffix '.txt'")


def test_quotes_in_tsv_are_characters_unless_asked_for(tmp_path):
    lines = [f"text {i}\t{'ab'[i % 2]}" for i in range(40)]
    lines[4], lines[8] = '"He said\ta', 'and left"\tb'
    path = tmp_path / "data.tsv"
    path.write_text("text\tlabel\n" + "\n".join(lines))
    task = load(TaskChoice(str(path)))
    assert len(task.train) + len(task.dev["dev"]) == 40
    assert '"He said' in (*task.train.texts, *task.dev["dev"].texts)
    refused(TaskChoice(str(path), quoting="standard"), "line 6", "line 10", "5 rows")


def test_texts_of_several_lines_are_no_swallowed_rows(tmp_path):
    letters = rows_of(text=lambda i: f"Dear John, {i}\nBest, Mary\nBye, all")
    assert len(load(TaskChoice(write(tmp_path / "data.csv", letters))).train) == 16


def test_doubled_quotes_in_tsv_are_told(tmp_path):
    path = write(tmp_path / "data.tsv", rows_of(text=lambda i: f'he said "{i}"'))
    assert "task.quoting=standard" in load(TaskChoice(path)).facts.cautions[0]
    task = load(TaskChoice(path, quoting="standard"))
    assert task.train.texts[0].startswith('he said "')
    assert task.facts.cautions == ()


@pytest.mark.parametrize(("name", "mark"), [("semicolon", ";"), ("tab", "\t"), ("pipe", "|")])
def test_other_separators(tmp_path, name, mark):
    path = tmp_path / "data.csv"
    body = f"text{mark}label\n" + "".join(f"a, {i}{mark}{i % 2}\n" for i in range(20))
    path.write_text(body)
    expected = load(TaskChoice(str(path), separator=name)).facts.digest
    refused(TaskChoice(str(path)), f"task.separator={name}")
    path.write_text(f"sep={mark}\n{body}")  # as Excel reads and writes it
    assert load(TaskChoice(str(path))).facts.digest == expected


def test_a_file_without_header(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("".join(f"the cat sat {i},{i % 2}\n" for i in range(20)))
    refused(TaskChoice(str(path)), "looks like data", "task.columns=[text, label]")
    task = load(TaskChoice(str(path), columns=("text", "label")))
    assert len(task.train) + len(task.dev["dev"]) == 20
    refused(TaskChoice(str(path), columns=("a", "b", "c")), "2 fields", "names 3 (a, b, c)")
    path.write_text("text,label\na,b\n")
    refused(TaskChoice(str(path), columns=("text", "label")), "already names the columns")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252", "latin-1"])
def test_other_encodings_are_named_and_read(tmp_path, encoding):
    path = tmp_path / "data.csv"
    body = "text,label\n" + "".join(f"caf\u00e9 {i},{i % 2}\n" for i in range(20))
    path.write_bytes(body.encode(encoding))
    named = "cp1252" if encoding == "latin-1" else encoding
    refused(TaskChoice(str(path)), f"--set task.encoding={named}")
    read = load(TaskChoice(str(path), encoding=encoding))
    path.write_bytes(body.encode("utf-8-sig"))
    assert load(TaskChoice(str(path))).facts.digest == read.facts.digest
    refused(TaskChoice(str(path), encoding="utf-17"), "'utf-17' is no text encoding")


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_line_ends(tmp_path, end):
    path = tmp_path / "data.csv"
    lines = ["text,label", *(f"a {i},{i % 2}" for i in range(20))]
    path.write_bytes(end.join(lines).encode())
    assert len(load(TaskChoice(str(path))).train) == 16
    lines[5] = lines[5].replace(" ", "\r")
    path.write_bytes("\n".join(lines).encode())
    refused(TaskChoice(str(path)), "line 6 holds a lone carriage return")


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("a.csv", b"\x1f\x8b\x08", "compressed by gzip"),
        ("a.csv", b"PK\x03\x04", "an Excel workbook"),
        ("a.csv", b"PAR1", "rename it to .parquet"),
        ("a.csv", b"<!DOCTYPE html>", "a web page"),
        ("a.csv", b"text,label\na\0,b\n", "line 2 holds a NUL"),
        ("a.csv", b"text,label\na,b,\n", "ends with a separator ',' too many"),
        ("a.tsv", b'text\tlabel\n"a\tb"\tc\n', "task.quoting=standard"),
        ("a.jsonl", b'{"text": "a", "text": "b"}', "line 1 has the key 'text' twice"),
        ("a.csv.gz", b"x", "unpack it first"),
    ],
)
def test_files_that_are_something_else(tmp_path, name, content, part):
    path = tmp_path / name
    path.write_bytes(content)
    refused(TaskChoice(str(path)), str(path), part)


def test_what_is_said_of_a_file_must_mean_something(tmp_path):
    path = write(tmp_path / "data.parquet", rows_of())
    refused(TaskChoice(path, columns=("a", "b")), "task.columns is for .csv, .tsv files")


def test_one_example_a_class_where_it_is_said(tmp_path):
    train = write(tmp_path / "train.csv", rows_of(8, label=lambda i: f"intent {i}"))
    refused(TaskChoice(train), "8 different labels in 8 rows", "task.labels=classes")
    dev = write(tmp_path / "dev.csv", rows_of(8, label=lambda i: f"intent {i}"))
    assert load(TaskChoice(train, dev=dev, labels="classes")).num_outputs == 8


def test_cautions_tell_leaks_clashes_repeats_and_empty_texts(tmp_path):
    train = write(tmp_path / "train.csv", [*rows_of(), {"text": "text 3", "label": "no"}])
    dev = rows_of(4, text=lambda i: ["text 1", "...", "new", "newer"][i])
    found = load(TaskChoice(train, dev=write(tmp_path / "dev.csv", dev))).facts.cautions
    words = ["1 of 4 examples of dev also", "1 of 21 training examples repeat", "'yes' and as 'no'"]
    words.append("no letter and no digit (such as '...')")
    assert len(found) == 4
    assert all(word in line for word, line in zip(words, found, strict=True))
    assert load(TaskChoice(write(tmp_path / "data.csv", rows_of()))).facts.cautions == ()


def test_labels_that_are_nearly_the_same_are_told(tmp_path):
    path = write(tmp_path / "data.csv", rows_of(40, label=lambda i: ["1", "01", "x", "X"][i % 4]))
    found = load(TaskChoice(path)).facts.cautions
    assert ["'01' and '1'" in found[0], "'X' and 'x'" in found[1]] == [True, True]
