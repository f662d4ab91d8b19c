from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from istiolab.notebook.cells import Cell, Notebook, Output, read_notebook
from istiolab.notebook.settings import Settings, Split
from istiolab.verdict.drift import compare
from istiolab.verdict.represented import SAME, output_lines
from istiolab.verdict.tokens import Identities

COMMITTED = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))
POD, OTHER_POD = "backend-59cbfb99cc-s67hg", "backend-844b58595c-vhmvj"


def shown(
    text: str = "", *, html: str | None = None, markdown: str | None = None, **others: Any
) -> Output:
    named = {name.replace("_", "/", 1).replace("_", "+"): data for name, data in others.items()}
    return Output(kind="display", text=text, html=html, markdown=markdown, others=named)


def lines(output: Output, own: Settings | None = None) -> list[str]:
    return list(output_lines(output, own or Settings(), Identities()))


def table(*rows: tuple[str, ...], text: str | None = None) -> Output:
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    aligned = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return shown(aligned if text is None else text, html=f"<table>{body}</table>")


# One representation alone


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (shown("x", html="<b>200</b>"), shown("x", html="<b>503</b>")),
        (shown("x", html="<p>a</p>"), shown("x", html="<p>a</p><p>b</p>")),
        (shown("x", markdown="**200**"), shown("x", markdown="**503**")),
        (shown("", markdown="**200**"), shown("", markdown="**503**")),
        (shown("x", text_latex="$200$"), shown("x", text_latex="$503$")),
        (shown("x", application_json={"a": 1}), shown("x", application_json={"a": 2})),
        (shown("x", application_json=1), shown("x", application_json=2)),
        (shown("x", application_geo_json={"a": 1}), shown("x", application_geo_json={"a": 2})),
        (shown("x", image_png="aGk="), shown("x", image_png="aGo=")),
        (shown("x", image_png="aGk="), shown("x")),
        (shown("x", image_png="aGk="), shown("x", image_jpeg="aGk=")),
        (shown("x", application_some={"a": 1}), shown("x", application_some={"a": 2})),
        (shown("x", html="<b>x</b>"), shown("x")),
        (shown("x", html="<b>x</b>"), shown("", html="<b>x</b>")),
        (shown("x", html="<b>x</b>"), shown("y", html="<b>x</b>")),
        (shown("x", html="<b>x</b>", markdown="a"), shown("x", html="<b>x</b>", markdown="b")),
        (table(("a", "b"), ("1", "2")), table(("a", "b"), ("1", "2"), text="a  b\n1  3")),
        (table(("a", "b"), ("1", "2")), table(("a", "b"), ("1", "3"), text="a  b\n1  2")),
    ],
)
def test_what_one_representation_alone_says_counts(before: Output, after: Output) -> None:
    assert lines(before) == lines(before)
    assert lines(before) != lines(after)


def test_an_edit_of_the_html_alone_is_shown_with_what_the_text_still_says() -> None:
    before = shown("> GET /\n< 200 OK", html="<pre>&gt; GET /\n&lt; 200 OK</pre>")
    after = replace(before, html="<pre>&gt; GET /\n&lt; 503 Service Unavailable</pre>")
    (drift,) = compare(notebook(before), notebook(after))
    assert drift.diff == (
        "@@ -1,3 +1,4 @@",
        " > GET /",
        "-< 200 OK",
        f"-{SAME}",
        "+< 503 Service Unavailable",
        "+text/plain, in place of line 2 of text/html:",
        "+text/plain: < 200 OK",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\nc", ["text/plain, without line 2 of text/html"]),
        ("a", ["text/plain, without lines 2 to 3 of text/html"]),
        ("a\nx\nb\nc", ["text/plain, after line 1 of text/html:", "text/plain: x"]),
        (
            "x\ny\nc",
            [
                "text/plain, in place of lines 1 to 2 of text/html:",
                "text/plain: x",
                "text/plain: y",
            ],
        ),
        ("x", ["text/plain: x"]),
        ("a\nb\nc", [SAME]),
        ("", []),
    ],
)
def test_a_text_is_shown_by_what_tells_it_from_the_html(text: str, said: list[str]) -> None:
    assert lines(shown(text, html="<p>a<p>b<p>c")) == ["a", "b", "c", *said]


LINES = st.lists(st.sampled_from("abc"), max_size=6).map("\n".join)


@settings(deadline=None)
@given(LINES, LINES, LINES)
def test_two_texts_beside_the_same_html_have_the_same_lines_only_if_they_are_the_same(
    html: str, one: str, two: str
) -> None:
    first, second = (lines(shown(text, html=f"<pre>{html}</pre>")) for text in (one, two))
    assert (first == second) is (one == two)


def test_each_line_of_a_representation_says_its_type() -> None:
    output = shown("<Figure>", html=None, image_png="aGk=", application_json={"b": [1], "a": 2})
    assert lines(output) == [
        "<Figure>",
        "application/json: {",
        'application/json:  "a": 2,',
        'application/json:  "b": [',
        "application/json:   1",
        "application/json:  ]",
        "application/json: }",
        "image/png: sha256 96e3186af2815065fbc894de1bdadda7830527fffdba6bdd709789cf0ee79a6a",
    ]


def test_the_order_of_keys_in_a_json_representation_does_not_matter() -> None:
    one, two = ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert lines(shown(application_json=one)) == lines(shown(application_json=two))


@settings(deadline=None)
@given(st.text(), st.text(), st.text(), st.none() | st.text() | st.integers())
def test_any_representations_can_be_compared(
    text: str, html: str, markdown: str, data: str | int | None
) -> None:
    output = shown(text, html=html, markdown=markdown, application_json=data, text_x=text)
    assert lines(output) == lines(output)
    assert lines(replace(output, others={**output.others, "image/png": data}))


# Identities


@pytest.mark.parametrize(
    "form",
    [
        lambda pod: shown(f"i am {pod}", html=f"<b>i am {pod}</b>"),
        lambda pod: shown(f"i am {pod}", markdown=f"i am *{pod}*"),
        lambda pod: shown(f"<p {pod}>", html=f"<b>i am {pod}</b>", application_json={"a": pod}),
        lambda pod: table(("pod", "code"), (pod, "200")),
    ],
)
def test_a_new_name_in_all_representations_is_no_drift(form: Callable[[str], Output]) -> None:
    before, after = (notebook(form(pod), shown(f"and {pod}")) for pod in (POD, OTHER_POD))
    assert compare(before, after) == ()
    assert compare(before, notebook(form(OTHER_POD), shown(f"and {POD}"))) != ()


@pytest.mark.parametrize("rest", ["html", "text"])
def test_a_new_name_in_one_representation_alone_is_drift(rest: str) -> None:
    before = shown(f"i am {POD}", html=f"<b>i am {POD}</b>")
    changed = {rest: (before.html if rest == "html" else before.text or "")}
    after = replace(before, **{rest: (changed[rest] or "").replace(POD, OTHER_POD)})  # type: ignore[arg-type]
    assert lines(before) != lines(after)


def test_where_an_object_lies_in_memory_is_no_drift() -> None:
    before, after = (
        table(("a",), ("1",), text=f"<some.Thing object at 0x{place}>")
        for place in ("7f12ab34cd50", "7fdeadbeef00")
    )
    assert lines(before) == lines(after)


# Tables with settings


@pytest.mark.parametrize("text", [None, "some other words than those of the table"])
def test_a_declared_column_holds_for_the_table_and_its_text_alike(text: str | None) -> None:
    own = Settings(columns={"pushes": "counter"})
    before, after, never = (
        table(("name", "pushes", "s"), ("istiod  a", each, "x"), text=text)
        for each in ("12", "1300", "never")
    )
    assert lines(before, own) == lines(after, own)
    assert lines(before, own) != lines(never, own)


def test_a_declared_column_holds_where_the_text_says_one_thing_more() -> None:
    own = Settings(columns={"pushes": "counter"})
    before, after, other = (
        replace(each, text=f"of {more}:\n{each.text}")
        for each, more in (
            (table(("name", "pushes"), ("istiod", "12")), "all"),
            (table(("name", "pushes"), ("istiod", "1300")), "all"),
            (table(("name", "pushes"), ("istiod", "12")), "none"),
        )
    )
    assert lines(before, own) == lines(after, own)
    assert lines(before, own) != lines(other, own)


def test_a_column_that_was_read_twice_need_not_have_stood_still() -> None:
    rows = [(("name", "age"), ("a", each)) for each in ("59s", "1m0s")]
    assert lines(table(*rows[0])) == lines(replace(table(*rows[0]), text=table(*rows[1]).text))


def test_a_split_holds_for_the_table_and_its_text_alike() -> None:
    split = Split(
        column="version", count="requests", expected={"v1": 0.9, "v2": 0.1}, significance=0.001
    )
    before, near, far = (
        table(("version", "requests"), ("v1", str(n)), ("v2", str(100 - n))) for n in (91, 85, 50)
    )
    own = Settings(split=split)
    assert lines(before, own) == lines(near, own)
    assert lines(before, own) != lines(far, own)


def test_a_cell_with_blanks_in_it_is_the_same_in_the_table_and_in_its_text() -> None:
    assert lines(table(("a", "b"), ("1  2", "3")))[-1] == SAME


# The committed notebooks

NAMES = [path.stem for path in COMMITTED]


@cache
def committed(name: str) -> Notebook:
    return read_notebook(next(path for path in COMMITTED if path.stem == name))


def notebook(*outputs: Output) -> Notebook:
    cells = tuple(
        Cell(index=index, id=str(index), kind="code", source="", tags=(), outputs=(output,))
        for index, output in enumerate(outputs)
    )
    return Notebook(path=Path("some.ipynb"), title="Some", cells=cells)


def changed(one: Notebook, change: Callable[[str], str]) -> Notebook:
    def _changed(output: Output) -> Output:
        html = None if output.html is None else change(output.html)
        return replace(output, text=change(output.text), html=html)

    return replace(
        one,
        cells=tuple(
            replace(cell, outputs=tuple(_changed(each) for each in cell.outputs))
            for cell in one.cells
        ),
    )


def with_html(one: Notebook) -> Iterator[tuple[Cell, Output]]:
    for cell in one.cells:
        yield from ((cell, output) for output in cell.outputs if output.html)


def test_all_notebooks_are_looked_at() -> None:
    assert len(NAMES) >= 6
    assert all(len(list(with_html(committed(name)))) >= 15 for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_notebook_is_no_drift_of_itself(name: str) -> None:
    assert compare(committed(name), committed(name)) == ()


@pytest.mark.parametrize("name", NAMES)
def test_html_and_text_of_a_committed_notebook_say_the_same(name: str) -> None:
    for cell, output in with_html(committed(name)):
        assert lines(output, cell.settings)[-1] == SAME, cell.label


# A word that a reader sees: in HTML outside its tags and entities, and within no date.
WORD = re.compile(
    r"(?<![\w&#])(?!(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|GMT)\b)"
    r"(?:[1-5]\d\d(?![\w.:])|[A-Za-z][A-Za-z_]{2,}(?![\w;]))(?=[^<>]*<)"
)


def _column(html: str, place: int) -> str:
    """Return the head of the table's column that a place in its HTML is in."""
    number = html.count("<td", html.rfind("<tr", 0, place), place) - 1
    heads = re.findall(r"<th[^>]*>(.*?)</th>", html)
    return heads[number] if 0 <= number < len(heads) else ""


@pytest.mark.parametrize("name", NAMES)
def test_no_word_of_the_html_alone_can_change_unnoticed(name: str) -> None:
    missed = []
    for cell, output in with_html(committed(name)):
        html, before = output.html or "", lines(output, cell.settings)
        places = list(WORD.finditer(html))
        assert places, cell.label
        for found in places[:: max(1, len(places) // 8)]:
            new = "599" if found[0].isdigit() else "wrong"
            edited = html[: found.start()] + new + html[found.end() :]
            declared = _column(html, found.start()) in cell.settings.columns
            if lines(replace(output, html=edited), cell.settings) == before and not declared:
                missed.append((cell.label, html[found.start() - 20 : found.end() + 20]))
    assert missed == []


def test_a_status_in_the_html_alone_is_drift_of_the_committed_notebook() -> None:
    one = committed("426-upgrade-required")
    tried = 0
    for cell, output in with_html(one):
        if "200 OK" not in (output.html or ""):
            continue
        tried += 1
        edited = replace(
            output, html=(output.html or "").replace("200 OK", "503 Service Unavailable")
        )
        cells = tuple(
            replace(each, outputs=tuple(edited if o is output else o for o in each.outputs))
            for each in one.cells
        )
        (drift,) = compare(one, replace(one, cells=cells))
        assert drift.index == cell.index
        assert any("503" in line for line in drift.diff)
    assert tried


# What differs from run to run, found here by other means than there; each replacement is as long,
# so that aligned columns stay where they are.
def _rotated(text: str, *alphabets: str) -> str:
    return text.translate(
        {
            ord(one): two
            for each in alphabets
            for one, two in zip(each, each[1:] + each[0], strict=True)
        }
    )


def _octet(found: re.Match[str]) -> str:
    number = int(found[2])
    first, many = (0, 10) if number < 10 else (10, 90) if number < 100 else (100, 156)
    return f"{found[1]}{first + (number - first + 7) % many}"


HEX = "0123456789abcdef"
VOLATILE: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (
        r"(?<=[a-z0-9]-)(?=[a-z]*\d)([4-9bcdf]{8,10})(-[bcdfghjklmnpqrstvwxz2456789]{5})?(?![\w-])",
        lambda found: (
            _rotated(found[1], "456789", "bcdf")
            + _rotated(found[2] or "", "2456789", "bcdfghjklmnpqrstvwxz")
        ),
    ),
    (r"\b(10\.(?:\d+\.){2})(\d+)(?![\d/])", _octet),
    (r"\b(198\.(?:\d+\.){2})(\d+)(?![\d/])", _octet),
    (r"(?<=\d:)3[0-2]\d{3}(?=/)", lambda found: f"{found[0][:4]}{(int(found[0][4]) + 1) % 10}"),
    (r"\bil-[0-9a-f]{4}\b", lambda found: "il-" + _rotated(found[0][3:], HEX)),
    (
        r"(\d\d:\d\d:)([0-5]\d)(?=\.\d+Z|Z| GMT)",
        lambda found: f"{found[1]}{(int(found[2]) + 7) % 60:02}",
    ),
    (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", lambda found: _rotated(found[0], HEX)),
)


def _rerun(text: str) -> str:
    for pattern, new in VOLATILE:
        text = re.sub(pattern, new, text)
    return text


@pytest.mark.parametrize("name", NAMES)
def test_another_run_of_a_committed_notebook_is_no_drift(name: str) -> None:
    one = committed(name)
    again = changed(one, _rerun)
    assert again != one
    assert compare(one, again) == ()


@pytest.mark.parametrize("name", NAMES)
def test_another_run_in_the_html_alone_is_drift(name: str) -> None:
    one = committed(name)
    for cell, output in with_html(one):
        edited = replace(output, html=_rerun(output.html or ""))
        same = edited == output or lines(edited, cell.settings)[-1] == SAME
        if not same:
            assert lines(edited, cell.settings) != lines(output, cell.settings)
