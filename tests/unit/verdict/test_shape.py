from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from istiolab.notebook.cells import Output
from istiolab.verdict.shape import Grid, Shape, parse_value, shapes_of, split_tables, text_shapes

PODS = """\
NAME                       READY   STATUS    RESTARTS     AGE
backend-59cbfb99cc-s67hg   1/1     Running   0            3s
nginx-test-5cfbffd-qjnnl   2/2     Running   1 (3s ago)   2m10s"""
PODS_GRID = Grid(
    columns=("NAME", "READY", "STATUS", "RESTARTS", "AGE"),
    rows=(
        ("backend-59cbfb99cc-s67hg", "1/1", "Running", "0", "3s"),
        ("nginx-test-5cfbffd-qjnnl", "2/2", "Running", "1 (3s ago)", "2m10s"),
    ),
)

HEADS = st.sampled_from(["NAME", "READY", "CLUSTER-IP", "PORT(S)", "LAST SEEN", "NOMINATED NODE"])
CELLS = st.sampled_from(["", "a", "0", "1 (3s ago)", "<none>", "80:32106/TCP", "istio-proxy"])


def stream(text: str) -> Output:
    return Output(kind="stream", text=text, html=None, markdown=None)


def page(html: str) -> Output:
    return Output(kind="result", text="as text", html=html, markdown=None)


# The way in which kubectl aligns (k8s.io/cli-runtime, printers: a tabwriter with 3 blanks).
def aligned(*lines: tuple[str, ...], gap: int = 3) -> str:
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "".join(cell.ljust(width + gap) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def parts(text: str) -> tuple[Shape, ...]:
    return shapes_of(stream(text))


def test_a_table_of_kubectl_is_read() -> None:
    assert parts(PODS) == (PODS_GRID,)


def test_text_around_tables_stays_in_its_place() -> None:
    assert parts(f"$ kubectl get pods\n{PODS}\n\nand\n{PODS}\n") == (
        "$ kubectl get pods",
        PODS_GRID,
        "\nand",
        PODS_GRID,
    )


@pytest.mark.parametrize("between", ["", "$ kubectl -n demo get pods -o wide\n"])
def test_a_table_ends_where_another_one_begins(between: str) -> None:
    services = aligned(("NAME", "TYPE"), ("backend-service-of-mine-and-yours", "ClusterIP"))
    found = parts(f"{PODS}\n{between}{services}")
    assert [part for part in found if isinstance(part, Grid)] == [
        PODS_GRID,
        Grid(columns=("NAME", "TYPE"), rows=(("backend-service-of-mine-and-yours", "ClusterIP"),)),
    ]
    assert [part for part in found if isinstance(part, str)] == between.splitlines()


def test_a_line_that_lies_across_the_columns_is_no_row() -> None:
    line = "Warning: something-that-is-long happened to the other thing, too"
    assert parts(f"{PODS}\n{line}") == (PODS_GRID, line)


@settings(deadline=None)
@given(
    st.lists(HEADS, min_size=2, max_size=5, unique=True).flatmap(
        lambda head: st.tuples(
            st.just(tuple(head)),
            st.lists(
                st.tuples(st.sampled_from(["a", "bbbbbbbbb"]), *[CELLS] * (len(head) - 1)),
                max_size=4,
            ),
        )
    ),
    st.integers(2, 6),
)
def test_whatever_kubectl_aligns_is_read_back(
    table: tuple[tuple[str, ...], list[tuple[str, ...]]], gap: int
) -> None:
    head, rows = table
    assert parts(aligned(head, *rows, gap=gap)) == (Grid(columns=head, rows=tuple(rows)),)


@pytest.mark.parametrize(
    "text",
    [
        "i am backend",
        "NAME",
        "HTTP OK",
        "GET /test HTTP/1.1",
        "Name:   a\nReady:  b",
        "A  b",
        "OK.",
    ],
)
def test_prose_is_no_table(text: str) -> None:
    assert parts(text) == (text,)


def test_a_line_of_many_capitals_is_told_from_a_head_at_once() -> None:
    line = "A  " * 200 + "a"
    assert parts(line) == (line,)


@settings(deadline=None)
@given(st.text())
def test_no_line_of_a_text_is_lost(text: str) -> None:
    found = "\n".join(
        part if isinstance(part, str) else "\n".join(" ".join(row) for row in part.rows)
        for part in split_tables(text)
        if isinstance(part, str | Grid)
    )
    head = {word for line in text.splitlines() for word in line.split() if line.isupper()}
    assert set(text.split()) - head <= set(found.split())


def test_an_output_without_anything_has_no_parts() -> None:
    assert parts("") == ()


def test_a_table_in_html_is_read_with_its_entities() -> None:
    html = (
        '<table>\n<thead>\n<tr><th scope="col">fix</th><th>nginx&#x27;s &lt;b&gt;</th></tr>\n'
        "</thead>\n<tbody>\n<tr><td>a &amp; b</td><td></td></tr>\n</tbody>\n</table>\n"
    )
    assert shapes_of(page(html)) == (Grid(columns=("fix", "nginx's <b>"), rows=(("a & b", ""),)),)


def test_several_tables_and_the_text_around_them_are_all_read() -> None:
    html = (
        "<style>td {color: red}</style><p>before</p>"
        "<table><tr><th>a</th></tr><tr><td>1</td></tr></table>between"
        "<table><tr><th>b</th></tr></table>"
    )
    assert shapes_of(page(html)) == (
        "before",
        Grid(columns=("a",), rows=(("1",),)),
        "between",
        Grid(columns=("b",), rows=()),
    )


@settings(deadline=None)
@given(st.text())
@example("<![")
@pytest.mark.parametrize(
    "html",
    [
        "<table>{}",
        "<table><td>{}</table>",
        "<table><tr><td>a<table>{}<tr><td>b</table>{}</table>",
        "<table></table>{}",
        "<td>{}<tr><table>",
    ],
)
def test_no_html_is_too_broken_to_read(html: str, text: str) -> None:
    assert isinstance(shapes_of(page(html.format(text, text))), tuple)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<pre><code>as  HTML\n\n  &lt;b&gt;</code></pre>\n", "as  HTML\n\n  <b>"),
        ("<b>2</b>00 <i>OK</i>", "200 OK"),
        ("<p>a\n   b</p>\n<p>c<br>d<br><br>e</p>", "a b\nc\nd\n\ne"),
        ("<ul>\n<li>a</li>\n<li>b</ul>", "a\nb"),
        ('see <a href="#a" class="b">c</a>', "see [href: #a] c"),
        ('<img src="a.png" alt="a &amp; b">', "[src: a.png] [alt: a & b] "),
        ("<script>a</script><style>b</style>c<!-- d -->", "c"),
    ],
)
def test_html_without_a_table_is_read_as_a_reader_sees_it(html: str, text: str) -> None:
    assert shapes_of(page(html)) == (text,)


def test_where_a_link_in_a_table_leads_is_read() -> None:
    html = '<table><tr><th>a</th></tr><tr><td title="b"><a href="#c">d</a></td></tr></table>'
    assert shapes_of(page(html)) == (Grid(columns=("a",), rows=(("[title: b]  [href: #c] d",),)),)


def test_what_is_preformatted_is_read_as_the_text_that_it_is() -> None:
    html = f"<pre><code>$ kubectl get pods\n{PODS}</code></pre>\n"
    assert shapes_of(page(html)) == ("$ kubectl get pods", PODS_GRID)
    assert shapes_of(page("<pre>{&quot;a&quot;: 1}</pre>")) == ({"a": 1},)


def test_a_table_is_read_from_text_by_a_head_that_is_known() -> None:
    text = "pod  its state\na    1  2\nb    ok"
    assert text_shapes(text) == (text,)
    grid = Grid(columns=("pod", "its state"), rows=(("a", "1  2"), ("b", "ok")))
    assert text_shapes(text, [("pod", "its state")]) == (grid,)


@pytest.mark.parametrize(
    ("html", "markdown", "shown"), [("<b>x</b>", None, "x"), (None, "**x**", "**x**")]
)
def test_an_output_without_text_is_compared_by_what_it_has(
    html: str | None, markdown: str | None, shown: str
) -> None:
    output = Output(kind="display", text="", html=html, markdown=markdown)
    assert shapes_of(output) == (shown,)


@settings(deadline=None)
@given(
    st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text())
    | st.lists(st.integers() | st.text())
)
def test_json_is_read_by_structure(value: dict[str, object] | list[object]) -> None:
    assert parse_value(json.dumps(value)) == value
    assert parse_value("\n" + json.dumps(value, indent=3) + "\n") == value


def test_yaml_is_read_by_structure_with_all_its_documents() -> None:
    text = "apiVersion: v1\nkind: Service\n---\nkind: Pod\nspec: {a: [1, 2]}\n"
    assert parse_value(text) == [
        {"apiVersion": "v1", "kind": "Service"},
        {"kind": "Pod", "spec": {"a": [1, 2]}},
    ]
    assert parse_value("---\n" + text) == parse_value(text)


def test_a_value_below_the_command_that_put_it_out_is_read() -> None:
    assert parts("$ kubectl get svc a -o yaml\nkind: Service\n") == (
        "$ kubectl get svc a -o yaml",
        [{"kind": "Service"}],
    )
    assert parts('$ kubectl get svc a -o json\n{"kind": "Service"}') == (
        "$ kubectl get svc a -o json",
        {"kind": "Service"},
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "some: prose",
        "42",
        '"text"',
        "{broken",
        '[2026-11-24T06:57:11Z] "GET /test HTTP/1.1" 426',
        "spec: {a: ${MODE}}",
        "kind: !!python/object:os.system {}",
        "metadata: 2026-13-45",
        "[" * 100_000,
    ],
)
def test_what_is_no_value_is_none(text: str) -> None:
    assert parse_value(text) is None


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_asked_for_a_value(text: str) -> None:
    for each in (text, "{" + text, "kind: " + text, "[" + text):
        value = parse_value(each)
        assert value is None or isinstance(value, dict | list)
