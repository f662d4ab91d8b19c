from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from html import escape
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from istiolab.notebook.cells import Cell, Notebook, Output, read_notebook
from istiolab.notebook.settings import Settings, Split
from istiolab.verdict.drift import CellDrift, Change, compare, normalise

COMMITTED = Path(__file__).parents[3] / "notebooks" / "426-upgrade-required.ipynb"

PREFORMATTED = "<pre><code>{}</code></pre>\n"

POD = "backend-59cbfb99cc-s67hg"
POD_AFTER_A_RESTART = "backend-844b5859-vhmvj"
OTHER_POD = "nginx-test-5cfbffdccc-qjnnl"

# What differs in the committed notebook from run to run, found here by other means than there.
POD_NAME = re.compile(r"\b(backend|nginx-test)-([a-z0-9]{8,10})-([a-z0-9]{5})\b")
RUN = re.compile(r"\bil-(\w{4})(?=-)")
NODE_PORT = re.compile(r"(?<=\d:)(3\d{4})\b")
ADDRESS = re.compile(r"\b((?:10|198)\.\d+\.\d+\.\d+)\b")
DATE = re.compile(r"(\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT)")
AGE = re.compile(r"(?<= )(\d+[smh])(?=\n|<|$)")
UPSTREAM_TIME = re.compile(r"(?<=upstream-service-time: )(\d+)")
LENGTH_OF_A_NAME = re.compile(r"(?i)(?<=content-length: )(\d+)(?=(?:\n.*){1,6} i am backend in )")


def stream(text: str) -> Output:
    return Output(kind="stream", text=text, html=None, markdown=None)


def page(html: str) -> Output:
    return Output(kind="result", text="not compared", html=html, markdown=None)


def table(*lines: tuple[str, ...]) -> Output:
    rows = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in lines
    )
    return page(f"<table>{rows}</table>")


def aligned(*lines: tuple[str, ...]) -> str:
    widths = [max(len(line[place]) for line in lines) + 3 for place in range(len(lines[0]))]
    return "\n".join(
        "".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def notebook(*cells: Output | list[Output], own: Settings | None = None) -> Notebook:
    return Notebook(
        path=Path("some.ipynb"),
        title="Some",
        cells=tuple(
            Cell(
                index=index,
                id=f"cell-{index}",
                kind="code",
                source="send()",
                tags=(f"name-{index}",),
                outputs=tuple(outputs) if isinstance(outputs, list) else (outputs,),
                settings=own or Settings(),
            )
            for index, outputs in enumerate(cells)
        ),
    )


def drifts(
    before: list[Output] | list[str],
    after: list[Output] | list[str],
    *,
    own: Settings | None = None,
) -> tuple[CellDrift, ...]:
    old, new = (
        notebook(*(stream(each) if isinstance(each, str) else each for each in side), own=own)
        for side in (before, after)
    )
    return compare(old, new)


@cache
def committed() -> Notebook:
    return read_notebook(COMMITTED)


@cache
def committed_lines() -> dict[str, tuple[str, ...]]:
    return normalise(committed())


def with_texts(one: Notebook, change: Callable[[str], str]) -> Notebook:
    return replace(
        one,
        cells=tuple(
            replace(
                cell,
                outputs=tuple(_with_text(each, change) for each in cell.outputs),
            )
            for cell in one.cells
        ),
    )


def _with_text(output: Output, change: Callable[[str], str]) -> Output:
    text, html = change(output.text), output.html
    # What is HTML for the sake of its blanks is made of the text, its columns as wide.
    written = PREFORMATTED.format(escape(output.text))
    html = PREFORMATTED.format(escape(text)) if html == written else html and change(html)
    return replace(output, text=text, html=html)


def texts(one: Notebook) -> str:
    return "\n".join(each.text for cell in one.cells for each in cell.outputs)


# What becomes of the cells


def test_the_same_outputs_are_no_drift() -> None:
    assert compare(committed(), committed()) == ()
    assert compare(notebook(), notebook()) == ()


def test_a_cell_that_changed_is_shown_with_its_place_its_name_and_its_difference() -> None:
    (found,) = drifts(
        ["same", f"a\nb\nc\n200 {POD}\nd\ne\nf"], ["same", f"a\nb\nc\n426 {POD}\nd\ne\nf"]
    )
    assert found == CellDrift(
        index=1,
        label="cell 2 `name-1`",
        change=Change.CHANGED,
        diff=(
            "@@ -2,5 +2,5 @@",
            " b",
            " c",
            "-200 backend-<hash-1>-<pod-1>",
            "+426 backend-<hash-1>-<pod-1>",
            " d",
            " e",
        ),
    )


def test_outputs_that_came_or_went_are_told_from_those_that_changed() -> None:
    full, empty = notebook(stream("a")), notebook([])
    assert [drift.change for drift in compare(empty, full)] == [Change.NEW]
    assert [drift.change for drift in compare(full, empty)] == [Change.GONE]
    assert compare(empty, empty) == ()


def test_a_cell_is_found_again_by_its_id_when_it_moved() -> None:
    one = notebook(stream("a"), stream("b"))
    moved = replace(
        one, cells=tuple(replace(cell, index=1 - cell.index) for cell in reversed(one.cells))
    )
    assert compare(one, moved) == ()


def test_a_cell_that_was_not_there_is_new() -> None:
    (found,) = drifts(["a"], ["a", "b"])
    assert (found.index, found.change, found.diff) == (1, Change.NEW, ("@@ -0,0 +1 @@", "+b"))


def test_how_a_stream_was_cut_in_pieces_does_not_matter() -> None:
    assert compare(notebook([stream("a\nb\n")]), notebook([stream("a\n"), stream("b\n")])) == ()


@settings(deadline=None)
@given(st.lists(st.text(max_size=30), max_size=4))
def test_any_outputs_can_be_compared_with_themselves(outputs: list[str]) -> None:
    assert drifts(outputs, outputs) == ()
    assert compare(notebook(*map(page, outputs)), notebook(*map(page, outputs))) == ()


# Identities


def test_a_new_name_throughout_is_no_drift() -> None:
    before = [f"{POD} 10.244.0.3", f"i am {POD} at 10.244.0.3:45678"]
    assert drifts(before, [each.replace(POD, POD_AFTER_A_RESTART) for each in before]) == ()


def test_a_new_name_from_one_cell_on_is_drift() -> None:
    (found,) = drifts([f"{POD}", f"i am {POD}"], [f"{POD}", f"i am {POD_AFTER_A_RESTART}"])
    assert found.index == 1


def test_two_pods_of_one_replica_set_that_change_places_are_drift() -> None:
    one, two = "backend-59cbfb99cc-s67hg", "backend-59cbfb99cc-qjnnl"
    before = [f"{one}\n{two}", f"answered by {one}"]
    assert [drift.index for drift in drifts(before, [before[0], f"answered by {two}"])] == [1]


def test_answers_within_one_second_and_answers_in_two_are_alike() -> None:
    one, two = "Date: Tue, 24 Nov 2026 06:57:11 GMT", "Date: Tue, 24 Nov 2026 06:57:12 GMT"
    assert drifts([one, one, two], [one, two, two]) == ()
    assert drifts([one], ["Date: today"]) != ()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (POD, "backend-59cbfb99cc-qjnnl"),
        ("10.244.0.3", "10.244.0.4"),
        ("10.96.12.1:80", "10.96.12.2:80"),
        ("80:32106/TCP", "80:32107/TCP"),
        ("198.51.100.2:32106", "198.51.100.2:32107"),
        ("0b5ad3c1-7e2f-4c55-9a40-2f6a9a3f3c11", "0b5ad3c1-7e2f-4c55-9a40-2f6a9a3f3c12"),
        ("2026-11-24T06:57:11Z", "2026-11-24T06:57:12Z"),
        ("serial " + "a1" * 16, "serial " + "a2" * 16),
        ("backend-59cbfb99cc", "backend-844b58595c"),
        ("il-1299-demo", "il-12ab-demo"),
    ],
)
@pytest.mark.parametrize("form", ["{} {}", "NAME   WHICH\n{}   {}", '{{"a": "{}", "b": ["{}"]}}'])
def test_one_value_for_another_one_is_drift_and_both_renamed_is_not(
    one: str, two: str, form: str
) -> None:
    assert drifts([form.format(one, one)], [form.format(two, two)]) == ()
    assert drifts([form.format(one, two)], [form.format(two, one)]) == ()
    assert drifts([form.format(one, one)], [form.format(one, two)]) != ()
    assert drifts([form.format(one, two), one], [form.format(one, two), two]) != ()


SUFFIXES = st.text("bcdfghjklmnpqrstvwxz2456789", min_size=5, max_size=5)
HASHES = st.text("456789bcdf", min_size=8, max_size=10)
DATES = st.datetimes().map(lambda moment: f"Tue, {moment:%d} Nov 20{moment:%y %H:%M:%S} GMT")
NEW: dict[re.Pattern[str], st.SearchStrategy[str]] = {
    RUN: st.text("0123456789abcdef", min_size=4, max_size=4),
    NODE_PORT: st.integers(30000, 32767).map(str),
    ADDRESS: st.builds("10.{}.{}.{}".format, *[st.integers(0, 255)] * 3),
    DATE: DATES,
}


@st.composite
def rerun(draw: st.DrawFn) -> Notebook:
    """The committed notebook as another run would have left it."""
    one, text = committed(), texts(committed())
    hashes = _other(draw, {found[2] for found in POD_NAME.finditer(text)}, HASHES)
    suffixes = _other(draw, {found[3] for found in POD_NAME.finditer(text)}, SUFFIXES)
    others = {
        pattern: _other(draw, set(pattern.findall(text)), new) for pattern, new in NEW.items()
    }
    random = Random(draw(st.integers(0, 2**32)))

    def renamed(text: str) -> str:
        for pattern, other in others.items():
            text = pattern.sub(lambda found, o=other: found[0].replace(found[1], o[found[1]]), text)  # type: ignore[misc]
        text = POD_NAME.sub(
            lambda found: f"{found[1]}-{hashes[found[2]]}-{suffixes[found[3]]}", text
        )
        text = AGE.sub(lambda _: random.choice(["0s", "59s", "2m10s", "5h", "3d4h"]), text)
        text = UPSTREAM_TIME.sub(lambda _: str(random.randrange(2000)), text)
        return _realigned(LENGTH_OF_A_NAME.sub(lambda _: str(random.randrange(38, 45)), text))

    return with_texts(one, renamed)


def _other(draw: st.DrawFn, old: set[str], new: st.SearchStrategy[str]) -> dict[str, str]:
    values = st.lists(new, min_size=len(old), max_size=len(old), unique=True)
    return dict(zip(sorted(old), draw(values), strict=True))


def _realigned(text: str) -> str:
    head, name, rows = text.partition("NAME  ")
    if not name or "<" in text:
        return text
    cut = [tuple(re.split(r" {2,}", line.strip())) for line in (name + rows).splitlines()]
    return head + aligned(*cut)


@settings(max_examples=40, deadline=None)
@given(rerun())
def test_the_committed_notebook_run_again_has_no_drift(again: Notebook) -> None:
    assert texts(again) != texts(committed())
    assert normalise(again) == committed_lines()


def test_what_is_renamed_is_all_there() -> None:
    for pattern in (POD_NAME, *NEW, AGE, UPSTREAM_TIME, LENGTH_OF_A_NAME):
        assert pattern.search(texts(committed())), pattern.pattern


# What the committed page is about

MUTATIONS = [
    *[(r"(?<![\d.:|/_])(?:200|426|502|503)(?![\d.])", code) for code in ("404", "1")],
    (r"(?<=<td>)0(?=</td>)", "200"),
    (r"(?<=&quot; )0(?= - -)", "200"),
    (r"\bDPE\b", "UF"),
    (r"\bDPE\b", "-"),
    (r"(?<=<td>)-(?=</td>)", "UF"),
    (r"\blow_version\b", "via_upstream"),
    (r"\bvia_upstream\b", "low_version"),
    (r"\bPassthroughCluster\b", "BlackHoleCluster"),
    (r"\bPassthroughCluster\b", "outbound|10000||backend-service.il-1299-demo.svc.cluster.local"),
    (r"\bhttp-80\b", "tcp-80"),
    (r"\btcp-80\b", "http-80"),
    (r"\bunnamed\b", "tcp-80"),
    (r"(?<!\d)10000(?!\d)", "10001"),
    (r"(?<!\d)10000(?!\d)", "32106"),
    (r"(?<!\d)15006(?!\d)", "15001"),
    (r"(?<!\d)15006(?!\d)", "32106"),
    (r"\bHTTP/1\.0\b", "HTTP/1.1"),
    (r"\bHTTP/1\.1\b", "HTTP/1.0"),
    (r"(?<=<td>)1\.0(?=</td>)", "1.1"),
    (r"(?<= )1/1(?= )", "2/2"),
    (r"\b2/2\b", "1/1"),
    (r"(?<=Running   )0\b", "1"),
    (r"\bRunning\b", "Error"),
    (r"(?<=<td>)on(?=</td>)", "off"),
    (r"(?<=<td>)off(?=</td>)", "on"),
    (r"(?<=<td>)yes(?=</td>)", "no"),
    (r"(?<=<td>)no(?=</td>)", "yes"),
    (r"\bbackend-service\b", "backend-servant"),
    (r"\bbackend\b(?!-service)", "frontend"),
    (r"\bnginx-test\b", "nginx-prod"),
    (r"\bserver(?='s| sidecar|&#x27;s)", "client"),
    (r"(?<=<td>)(?:server|client|both)(?=</td>)", "no sidecar"),
    (r"\bvirtualInbound\b", "virtualOutbound"),
    (r"\binbound(?=\|)", "outbound"),
    (r"\braw_buffer\b", "tls"),
    (r"\bistio-http/1\.1\b", "istio-http/1.0"),
    (r"\bistio-envoy\b", "nginx"),
    (r"\bcontent-length: 16\b", "content-length: 17"),
    (r"\bSTRICT\b|\$\{MODE\}", "PERMISSIVE"),
    (r"\bcreated\b", "unchanged"),
]


def single_changes(
    one: Notebook, pattern: re.Pattern[str], new: str
) -> Iterator[tuple[str, Notebook]]:
    for place, cell in enumerate(one.cells):
        for number, output in enumerate(cell.outputs):
            shown = output.html if output.html and "<table" in output.html else output.text
            for nth, found in enumerate(pattern.finditer(shown)):
                if found[0] == new:
                    continue
                changed = _changed(output, pattern, new, nth=nth)
                outputs = (*cell.outputs[:number], changed, *cell.outputs[number + 1 :])
                cells = (
                    *one.cells[:place],
                    replace(cell, outputs=outputs),
                    *one.cells[place + 1 :],
                )
                yield f"{cell.label}, {nth}: {found[0]}", replace(one, cells=cells)


def _changed(output: Output, pattern: re.Pattern[str], new: str, *, nth: int) -> Output:
    def nth_changed(text: str) -> str:
        found = list(pattern.finditer(text))[nth : nth + 1]
        return text[: found[0].start()] + new + text[found[0].end() :] if found else text

    return replace(
        output, text=nth_changed(output.text), html=output.html and nth_changed(output.html)
    )


def unnoticed(pattern: re.Pattern[str], new: str) -> tuple[int, list[str]]:
    changes = list(single_changes(committed(), pattern, new))
    return len(changes), [
        name for name, changed in changes if normalise(changed) == committed_lines()
    ]


@pytest.mark.parametrize(("pattern", "new"), MUTATIONS)
def test_no_single_change_of_what_the_page_is_about_goes_unnoticed(pattern: str, new: str) -> None:
    tried, missed = unnoticed(re.compile(pattern), new)
    assert tried
    assert missed == []


def test_no_pod_can_take_the_place_of_another_one_unnoticed() -> None:
    names = sorted({found[0] for found in POD_NAME.finditer(texts(committed()))})
    assert len(names) > 2
    for name in names:
        tried, missed = unnoticed(POD_NAME, name)
        assert tried
        assert missed == []


def test_a_change_is_shown_in_the_cell_where_it_is() -> None:
    (before,) = [cell for cell in committed().cells if cell.name == "answer-both"]
    for _, changed in single_changes(committed(), re.compile(r"426 Upgrade Required"), "200 OK"):
        indices = [drift.index for drift in compare(committed(), changed)]
        assert len(indices) == 1
        if indices == [before.index]:
            return
    pytest.fail("no change was in the cell")


# Kinds


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ready after 12s", "ready after 1m3s"),
        ("ready after 1.5 seconds", "ready after 12 seconds"),
        (aligned(("NAME", "AGE"), ("backend", "3s")), aligned(("NAME", "AGE"), ("backend", "2m"))),
        ("x-envoy-upstream-service-time: 1", "x-envoy-upstream-service-time: 2000"),
    ],
)
def test_a_measured_time_may_be_another_but_not_a_word(before: str, after: str) -> None:
    assert drifts([before], [after]) == ()
    assert drifts([before], [re.sub(r"\d[\w.]*( seconds)?$", "never", after)]) != ()


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [("counter", "12", "1300"), ("age", "3s", "4m"), ("duration", "0.5", "12")],
)
def test_a_declared_column_keeps_its_kind(kind: str, before: str, after: str) -> None:
    own = Settings(columns={"Pushes": kind})
    sides = [[table(("name", "pushes"), ("istiod", value))] for value in (before, after, "never")]
    assert drifts(sides[0], sides[1], own=own) == ()
    assert drifts(sides[0], sides[2], own=own) != ()
    assert drifts([table(("pushes",), ("-",))], [table(("pushes",), ("5s",))], own=own) != ()
    if kind != "age":
        assert drifts(sides[0], sides[1]) != ()


@pytest.mark.parametrize("form", [table, lambda *rows: stream(aligned(*rows))])
@pytest.mark.parametrize(
    ("before", "after"), [("1s", "9s"), ("100 ms", "5 ms"), ("timeout: 2s", "timeout: 3s")]
)
def test_a_duration_in_a_column_of_no_known_kind_is_what_a_page_is_about(
    form: Callable[..., Output], before: str, after: str
) -> None:
    sides = [
        [form(("FIELD", "NOW", "AGE"), ("connectTimeout", *row))]
        for row in ((before, "3s"), (after, "3s"), (before, "10m"))
    ]
    assert drifts(sides[0], sides[1]) != ()
    assert drifts(sides[0], sides[2]) == ()


def test_how_long_ago_a_pod_restarted_is_no_drift_but_how_often_is() -> None:
    one, same, other = (
        aligned(("NAME", "RESTARTS"), ("a", each))
        for each in ("1 (3s ago)", "1 (2m10s ago)", "2 (3s ago)")
    )
    assert drifts([one], [same]) == ()
    assert drifts([one], [other]) != ()


def test_a_declared_timeout_in_a_committed_table_is_compared() -> None:
    one = read_notebook(COMMITTED.with_name("architecture.ipynb"))
    cells = [cell for cell in one.cells if cell.name in ("greeting-fields", "breaker")]
    assert [len(compare(one, _with_timeouts(one, cell))) for cell in cells] == [1, 1]


def _with_timeouts(one: Notebook, changed: Cell) -> Notebook:
    outputs = tuple(
        replace(
            each,
            text=re.sub(r"\b(?:2|60)s\b", "9s", each.text),
            html=re.sub(r"\b(?:2|60)s\b", "9s", each.html or ""),
        )
        for each in changed.outputs
    )
    cells = tuple(replace(cell, outputs=outputs) if cell is changed else cell for cell in one.cells)
    return replace(one, cells=cells)


@pytest.mark.parametrize(
    ("before", "after"), [("age", "3s"), ("LAST SEEN", "3s"), ("duration", "7"), ("Seconds", "1")]
)
def test_some_columns_are_known_by_their_name(before: str, after: str) -> None:
    sides = [[table((before, "of"), (value, "it"))] for value in (after, f"1{after}", "never")]
    assert drifts(sides[0], sides[1]) == ()
    assert drifts(sides[0], sides[2]) != ()


# The length of a body

ANSWER = "> GET /test HTTP/1.1\n< HTTP/1.1 200 OK\n< {}: {}\n<\n< {}"


@pytest.mark.parametrize("name", ["content-length", "Content-Length", "CONTENT-LENGTH"])
@pytest.mark.parametrize("sign", ["< ", "> ", ""])
def test_the_length_of_a_body_that_names_a_pod_is_not_compared(name: str, sign: str) -> None:
    text = ANSWER.replace("< {}: ", sign + "{}: ")
    before = text.format(name, 41, f"i am backend in {POD}")
    after = text.format(name, 39, f"i am backend in {POD_AFTER_A_RESTART}")
    assert drifts([before], [after]) == ()
    assert f"{sign}{name}: <bytes>" in normalise(notebook(stream(before)))["cell-0"]


def test_any_other_length_is_compared() -> None:
    for body in ("Upgrade Required", "10.244.0.3", "backend-59cbfb99cc"):
        sides = [[ANSWER.format("content-length", length, body)] for length in (16, 17)]
        assert drifts(*sides) != ()
    separate = [[f"in {POD}", f"content-length: {length}"] for length in (16, 17)]
    assert drifts(*separate) != ()


@pytest.mark.parametrize(
    "line", ["the content-length: {}", "content-length: {} bytes", "x-content-length: {}", "{}"]
)
def test_a_number_that_is_no_length_header_is_compared(line: str) -> None:
    assert drifts([f"{POD}\n{line.format(16)}"], [f"{POD}\n{line.format(17)}"]) != ()


def test_a_length_that_is_no_number_is_drift() -> None:
    sides = [[ANSWER.format("content-length", length, POD)] for length in ("41", "none")]
    assert drifts(*sides) != ()


def test_a_length_in_a_table_is_compared() -> None:
    sides = [[table(("pod", "header"), (POD, f"content-length: {n}"))] for n in (16, 17)]
    assert drifts(*sides) != ()


# Tables

CELLS = st.sampled_from(["-", "200 OK", "10.244.0.3", "10.244.0.4", POD, OTHER_POD, "3s", "v1", ""])


@st.composite
def tables_with_moved_columns(draw: st.DrawFn) -> tuple[Output, Output]:
    head = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5, unique=True))
    rows = draw(st.lists(st.tuples(*[CELLS] * len(head)), max_size=4))
    order = draw(st.permutations(range(len(head))))
    lines = [tuple(head), *rows]
    return table(*lines), table(*(tuple(line[place] for place in order) for line in lines))


@settings(deadline=None)
@given(tables_with_moved_columns())
@example(
    (
        table(("pod IP", "host IP"), ("10.244.0.3", "198.51.100.2")),
        table(("host IP", "pod IP"), ("198.51.100.2", "10.244.0.3")),
    )
)
def test_columns_may_change_their_order(sides: tuple[Output, Output]) -> None:
    before, after = sides
    tail = stream("10.244.0.3 10.244.0.4")
    assert compare(notebook(before, tail), notebook(after, tail)) == ()


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["v1", "v2"]), st.sampled_from(["200", "426", "503"])),
        min_size=2,
        max_size=5,
    ).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows)))
)
def test_rows_may_not_change_their_order(
    sides: tuple[list[tuple[str, str]], list[tuple[str, str]]],
) -> None:
    before, after = sides
    head = ("version", "code")
    found = drifts([table(head, *before)], [table(head, *after)])
    assert (found == ()) is (before == after)


def test_a_renamed_or_a_missing_column_is_drift() -> None:
    before = [table(("a", "b"), ("1", "2"))]
    assert drifts(before, [table(("a", "c"), ("1", "2"))]) != ()
    assert drifts(before, [table(("a",), ("1",))]) != ()
    assert drifts(before, [table(("b", "a"), ("1", "2"))]) != ()
    assert drifts(before, [table(("a", "b"), ("1", "2"), ("1", "2"))]) != ()
    assert drifts([table(("a", "b"))], [table(("a", "c"))]) != ()


@pytest.mark.parametrize("place", [0, 1])
def test_two_columns_of_one_name_are_both_compared(place: int) -> None:
    row = ["1", "2"]
    row[place] = "3"
    assert drifts([table(("a", "a"), ("1", "2"))], [table(("a", "a"), tuple(row))]) != ()


def test_a_row_shorter_than_the_head_is_compared_too() -> None:
    sides = [[table(("a", "b"), (POD,), (value,))] for value in ("1", "2")]
    assert drifts(*sides) != ()
    assert drifts(sides[0], sides[0]) == ()


def test_what_stands_beside_a_table_is_compared() -> None:
    html = "<p>{}</p><table><tr><td>a</td></tr></table>{}"
    assert drifts([page(html.format("x", "y"))], [page(html.format("x", "y"))]) == ()
    assert drifts([page(html.format("x", "y"))], [page(html.format("z", "y"))]) != ()
    assert drifts([page(html.format("x", "y"))], [page(html.format("x", "z"))]) != ()


@settings(deadline=None)
@given(st.lists(st.sampled_from([POD, OTHER_POD]), min_size=1, max_size=3), st.data())
def test_a_table_of_kubectl_whose_columns_got_wider_is_no_drift(
    pods: list[str], data: st.DataObject
) -> None:
    other = {
        pod: data.draw(st.sampled_from([pod, pod.replace("f", "", 1), pod.replace("5", "", 1)]))
        for pod in pods
    }
    ages = data.draw(st.lists(st.sampled_from(["3s", "10m3s"]), min_size=3, max_size=3))
    head = ("NAME", "READY", "AGE", "IP")
    rows = [(pod, "1/1", "3s", "<none>") for pod in pods]
    wider = [(other[row[0]], "1/1", age, "<none>") for row, age in zip(rows, ages, strict=False)]
    command = "$ kubectl get pods\n"
    assert drifts([command + aligned(head, *rows)], [command + aligned(head, *wider)]) == ()


def test_a_table_that_is_printed_may_get_wider_too() -> None:
    before = aligned(("pod", "code"), (POD, "200"))
    assert drifts([before], [aligned(("pod", "code"), (POD_AFTER_A_RESTART, "200"))]) == ()
    assert drifts([before], [aligned(("pod", "code"), (POD_AFTER_A_RESTART, "426"))]) != ()


def test_the_blanks_at_the_beginning_of_a_line_count() -> None:
    assert drifts(["a:\n  b:\n    c"], ["a:\n  b:\n  c"]) != ()


# JSON and YAML

VALUE = {
    "kind": "Service",
    "metadata": {"name": "backend-service", "uid": "0b5ad3c1-7e2f-4c55-9a40-2f6a9a3f3c11"},
    "spec": {"clusterIP": "10.96.12.1", "ports": [{"name": "http-80", "port": 10000}], "x": None},
}
FORMS: list[Callable[[object], str]] = [
    json.dumps,
    lambda value: json.dumps(value, indent=4),
    yaml.safe_dump,
    lambda value: "$ kubectl get service backend-service\n" + yaml.safe_dump(value),
]


def _shuffled(value: object, random: Random) -> object:
    match value:
        case dict():
            keys = random.sample(list(value), len(value))
            return {key: _shuffled(value[key], random) for key in keys}
        case list():
            return [_shuffled(each, random) for each in value]
        case _:
            return value


@pytest.mark.parametrize("form", FORMS[:2])
@settings(deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_the_order_of_keys_and_the_blanks_of_json_do_not_matter(
    form: Callable[[object], str], random: Random
) -> None:
    assert drifts([json.dumps(VALUE)], [form(_shuffled(VALUE, random))]) == ()


def test_the_order_of_keys_and_the_style_of_yaml_do_not_matter() -> None:
    flow = yaml.safe_dump(VALUE, default_flow_style=None, sort_keys=False)
    assert drifts([yaml.safe_dump(VALUE)], [flow]) == ()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("old", "new"),
    [("http-80", "tcp-80"), ("10000", "10001"), ("backend-service", "x"), ("clusterIP", "podIP")],
)
def test_a_value_or_a_key_that_changed_is_drift(
    form: Callable[[object], str], old: str, new: str
) -> None:
    command, text = "", form(VALUE)
    if text.startswith("$"):
        command, _, text = text.partition("\n")
    assert drifts([f"{command}\n{text}"], [f"{command}\n{text.replace(old, new)}"]) != ()


@pytest.mark.parametrize("other", ['"1"', "true", "null", "1.5", "[1]"])
def test_a_value_of_another_type_is_drift(other: str) -> None:
    assert drifts(['{"a": 1}'], [f'{{"a": {other}}}']) != ()


def test_the_order_of_a_list_counts() -> None:
    assert drifts(['{"a": [1, 2]}'], ['{"a": [2, 1]}']) != ()


def test_pods_as_keys_keep_their_identities_whatever_their_names_begin_with() -> None:
    one, two = "backend-59cbfb99cc-b67hg", "backend-59cbfb99cc-x67hg"
    form = '{{"{}": 1, "{}": 2}}'
    assert drifts([form.format(one, two), one], [form.format(two, one), two]) == ()
    assert drifts([form.format(one, two), one], [form.format(one, two), two]) != ()


@pytest.mark.parametrize("form", FORMS)
def test_numbers_that_the_cluster_gives_are_masked_where_they_stand(
    form: Callable[[object], str],
) -> None:
    def service(port: int, version: str) -> str:
        meta = {"name": "a", "resourceVersion": version}
        return form({"kind": "Service", "metadata": meta, "spec": {"nodePort": port, "port": 80}})

    seen = "198.51.100.2:{}"
    before = [service(31234, "1234"), seen.format(31234)]
    assert drifts(before, [service(32106, "77"), seen.format(32106)]) == ()
    assert drifts(before, [service(32106, "77"), seen.format(31234)]) != ()
    assert drifts(before, [service(31234, "1234").replace("80", "81"), before[1]]) != ()


@pytest.mark.parametrize("form", FORMS)
def test_a_timeout_in_a_manifest_is_what_a_page_is_about(form: Callable[[object], str]) -> None:
    sides = [
        [form({"kind": "VirtualService", "spec": {"timeout": each}})] for each in ("2s", "10s")
    ]
    assert drifts(*sides) != ()
    assert drifts(*sides, own=Settings(columns={"timeout": "duration"})) == ()


def test_keys_that_are_durations_stay_apart() -> None:
    assert drifts(['{"1s": 1, "2s": 2}'], ['{"1s": 3, "2s": 2}']) != ()


def test_a_date_that_yaml_reads_as_one_is_masked() -> None:
    sides = [
        [f"kind: Pod\nstarted: {each}\n"]
        for each in ("2026-11-24T06:57:11Z", "2027-01-01T00:00:00Z")
    ]
    assert drifts(*sides) == ()


# Splits

SPLIT = Split(
    column="version", count="requests", expected={"v1": 0.9, "v2": 0.1}, significance=0.001
)


def counts(one: object, two: object, *, form: Callable[..., Output] = table) -> list[Output]:
    return [form(("version", "requests"), ("v1", str(one)), ("v2", str(two)))]


def kubectl(*lines: tuple[str, ...]) -> Output:
    return stream(aligned(*(tuple(cell.upper() for cell in line) for line in lines)))


# 79 to 98 of a hundred, as `test_split` has it.
@pytest.mark.parametrize("inside", [79, 85, 98])
def test_a_split_within_its_bound_is_no_drift(inside: int) -> None:
    assert drifts(counts(91, 9), counts(inside, 100 - inside), own=Settings(split=SPLIT)) == ()


@pytest.mark.parametrize("outside", [0, 50, 78, 99, 100])
def test_a_split_out_of_its_bound_is_drift(outside: int) -> None:
    (found,) = drifts(counts(91, 9), counts(outside, 100 - outside), own=Settings(split=SPLIT))
    assert f"+requests: {outside}, not 79 to 98 | version: v1" in found.diff


def test_counts_without_a_split_are_compared_as_they_are() -> None:
    assert drifts(counts(91, 9), counts(90, 10)) != ()


def test_requests_that_got_lost_are_drift() -> None:
    assert drifts(counts(91, 9), counts(45, 5), own=Settings(split=SPLIT)) != ()


@pytest.mark.parametrize("after", ["many", "", "-9", "²", "9" * 5000])
def test_a_count_that_is_no_number_is_drift(after: str) -> None:
    assert drifts(counts(91, 9), counts(91, after), own=Settings(split=SPLIT)) != ()


def test_a_version_that_nobody_expected_or_that_is_missing_is_drift() -> None:
    head = ("version", "requests")
    own = Settings(split=SPLIT)
    third = [table(head, ("v1", "90"), ("v2", "9"), ("v3", "1"))]
    assert drifts(counts(91, 9), third, own=own) != ()
    assert drifts(counts(91, 9), [table(head, ("v1", "100"))], own=own) != ()
    assert drifts(counts(91, 9), [table(head, ("v2", "9"), ("v1", "91"))], own=own) != ()
    assert drifts(counts(91, 9), [table(head, ("v1", "91"), ("v2",))], own=own) != ()


def test_a_split_names_columns_of_a_kubectl_table_too() -> None:
    split = replace(SPLIT, column="VERSION", count="REQUESTS", expected={"V1": 0.9, "V2": 0.1})
    before, near, far = (counts(n, 100 - n, form=kubectl) for n in (91, 85, 50))
    assert drifts(before, near, own=Settings(split=split)) == ()
    assert drifts(before, far, own=Settings(split=split)) != ()


def test_a_table_without_the_splits_columns_is_compared_as_it_is() -> None:
    sides = [[table(("version", "errors"), ("v1", each))] for each in ("90", "91")]
    assert drifts(*sides, own=Settings(split=SPLIT)) != ()


def test_a_split_of_nothing_and_all_has_no_room() -> None:
    split = replace(SPLIT, expected={"v1": 1.0, "v2": 0.0})
    assert drifts(counts(100, 0), counts(100, 0), own=Settings(split=split)) == ()
    assert drifts(counts(100, 0), counts(99, 1), own=Settings(split=split)) != ()


@pytest.mark.parametrize(
    "form",
    [
        lambda time: stream(f'{{"exp": {time}}}'),
        lambda time: stream(f"startTime: {time}\nkind: Some"),
        lambda time: table(("name", "timestamp"), ("a", str(time))),
    ],
)
def test_a_number_that_its_field_or_column_says_is_a_time_may_be_another(
    form: Callable[[int], Output],
) -> None:
    assert drifts([form(1764366001)], [form(1764366999)]) == ()
    assert drifts([form(1764366001)], [form(3)]) != ()
