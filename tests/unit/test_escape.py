"""Text of users and data sets in each way out."""

import csv
import io
import shutil
import subprocess

import pytest

from steadytune.escape import cell, latex, markdown, visible
from steadytune.escape.terminal import SafeConsole

HOSTILE = "\x1b[31mred\x1b]0;title\x07 \u202eabc\u2066 a\nb\r\tc \x00\x9b \ud800 \u2028"


def test_nothing_that_a_terminal_obeys_is_left():
    shown = visible(HOSTILE)
    assert shown.isprintable()
    assert shown.startswith(
        r"\x1b[31mred\x1b]0;title\x07 \u202eabc\u2066 a\nb\r\tc \x00\x9b \ud800"
    )
    assert visible("naïve 漢字 😀 שלום") == "naïve 漢字 😀 שלום"


def test_lines_are_kept_where_asked():
    assert visible("a\n\tb\r\x1b", lines=True) == "a\n\tb\\r\\x1b"


def test_visible_text_stays_as_it_is():
    assert visible(visible(HOSTILE)) == visible(HOSTILE)


def test_a_console_shows_and_does_not_obey():
    stream = io.StringIO()
    SafeConsole(file=stream, width=200).print(f"[bold]{HOSTILE}", soft_wrap=True)
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()
    assert stream.getvalue().startswith("[bold]")


def test_markdown_is_one_cell_without_html():
    text = markdown("a|b\n<img src=x> `c` *d* [e](f) &lt; #1 ~x~")
    assert "\n" not in text
    for sign in "|<>`*[]&#~":
        assert f"\\{sign}" in text
        assert sign not in text.replace(f"\\{sign}", "")


def test_latex_specials_are_all_escaped():
    text = latex("\\ & % $ # _ { } ~ ^ < > | [x]")
    assert text == (
        r"\textbackslash{} \& \% \$ \# \_ \{ \} \textasciitilde{} \textasciicircum{} "
        r"\textless{} \textgreater{} \textbar{} {[}x{]}"
    )


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path):
    body = latex("[a] \\ & % $ # _ { } ~ ^ < > | \x1b")
    page = rf"\documentclass{{article}}\begin{{document}}\begin{{tabular}}{{l}}x\\ {body}\\"
    (tmp_path / "t.tex").write_text(page + r"\end{tabular}\end{document}")
    subprocess.run(["pdflatex", "-interaction=batchmode", "t.tex"], cwd=tmp_path, check=True)


@pytest.mark.parametrize("text", ["=1+2", "+1", "-x", "@SUM(A1)"])
def test_no_cell_is_a_formula(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [-1.5, -0.0, 3, None, True, "a-b", "1=1", ""])
def test_other_cells_stay_as_they_are(value):
    assert cell(value) is value or cell(value) == value


def test_cells_of_a_written_file_begin_with_no_sign():
    stream = io.StringIO()
    csv.writer(stream).writerow([cell("\t=1"), cell("\r=1"), cell("=1\n")])
    (row,) = csv.reader(io.StringIO(stream.getvalue()))
    assert row == [r"\t=1", r"\r=1", r"'=1\n"]
