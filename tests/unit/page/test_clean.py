from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from istiolab.page.clean import clean_html, count_rows


class Seen(HTMLParser):
    """What a reader of HTML finds in it: elements, attributes, text; fails on unbalanced tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in {"br", "col"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


# Pieces of which harmful and broken HTML is made.
PIECES = st.sampled_from(
    [
        *("<table>", "</table>", "<tr>", "<td>", "</td>", "<p>", "</p>", "<pre>", "</pre>", "<br>"),
        *("<script>", "</script>", "<SCRIPT/>", "<style>", "</style>", "<template>", "<title>"),
        *("<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "<iframe src='//x'>", "<b>"),
        *("<a href='javascript:x'>", "<a href=JaVaScRiPt:x>", "<a href='java\nscript:x'>", "</a>"),
        *("<a href=' &#106;avascript:x'>", "<a href='https://x'>", "<a href='data:,x'>", "<a"),
        *('<div title="a&quot; onclick=&quot;x">', "<div\nonclick='x'\nclass='y'>", "</div>"),
        *("<!-- c -->", "<!--", "-->", "<![CDATA[", "<?php", "&lt;script&gt;", "&#13;", "&#10;"),
        *("\n", "\r", "\r\n", "<", ">", '"', "'", "&", "text", "*a* _b_ `c`", "</", "<br/", "\t"),
    ]
)
HTML = st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join)


@settings(deadline=None)
@given(HTML)
def test_whatever_comes_in_what_goes_out_is_harmless_balanced_and_one_line(html: str) -> None:
    result = clean_html(html)
    seen = Seen(result)
    assert not {"script", "style", "template", "title", "img", "svg", "iframe"} & set(seen.tags)
    for name, value in seen.attributes:
        assert name in {"colspan", "rowspan", "scope", "title", "href", "open", "lang"}
        assert name != "href" or (value or "").lower().startswith(("https://", "http://", "#"))
    assert "\n" not in result
    assert "\r" not in result


@settings(deadline=None)
@given(HTML)
def test_cleaning_twice_is_cleaning_once(html: str) -> None:
    once = clean_html(html)
    assert clean_html(once) == once


@pytest.mark.parametrize(
    ("html", "cleaned"),
    [
        ("a<script>alert(1)</script>b", "ab"),
        ("a<style>td { color: red }</style>b", "ab"),
        ('<td onclick="x" style="y" class="z" id="i" colspan="2">a</td>', '<td colspan="2">a</td>'),
        ('<a href="javascript:alert(1)">a</a>', "<a>a</a>"),
        ('<a href=" JavaScript:alert(1)">a</a>', "<a>a</a>"),
        (
            '<a href="https://istio.io/?a=1&amp;b">a</a>',
            '<a href="https://istio.io/?a=1&amp;b">a</a>',
        ),
        ('<a href="#part">a</a>', '<a href="#part">a</a>'),
        ("<img src=x>a", "a"),
        ("&lt;script&gt;", "&lt;script&gt;"),
        ("<div>a</p><b>c", "<div>a<b>c</b></div>"),
        ("<b><i>a</b>c", "<b><i>a</i></b>c"),
        ("<p>a\nb\r\nc\rd</p>", "<p>a b c d</p>"),
        ("<pre>a\nb\r\nc\rd</pre>", "<pre>a&#10;b&#10;c&#10;d</pre>"),
        ("\n <p>a</p>\n", "<p>a</p>"),
        ('<td title="a\n\n&quot;b&quot;">c</td>', '<td title="a &quot;b&quot;">c</td>'),
    ],
)
def test_html_is_cleaned(html: str, cleaned: str) -> None:
    assert clean_html(html) == cleaned


def test_a_table_as_pandas_writes_it_keeps_its_cells() -> None:
    html = (
        '<div>\n<style scoped>\n.dataframe { x: y }\n</style>\n<table border="1" class="dataframe">'
        "\n  <thead>\n    <tr><th></th><th>status</th></tr>\n  </thead>\n  <tbody>\n"
        "    <tr>\n      <th>0</th>\n      <td>426</td>\n    </tr>\n  </tbody>\n</table>\n</div>"
    )
    seen = Seen(clean_html(html))
    assert seen.tags == ["div", "table", "thead", "tr", "th", "th", "tbody", "tr", "th", "td"]
    assert seen.attributes == []
    assert seen.text.split() == ["status", "0", "426"]


def test_rows_are_counted_without_those_of_the_head() -> None:
    head = "<thead><tr><th>a</th></tr><tr><th>b</th></tr></thead>"
    assert count_rows(f"<table>{head}<tbody><tr><td>1</td></tr><tr><td>2</td></tr></table>") == 2
    assert count_rows("<table><tr><td>1</td></tr></table>") == 1
    assert count_rows("<p>a</p>") == 0
