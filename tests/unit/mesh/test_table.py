from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from istiolab.mesh.table import Listing, Table

# What a parser of HTML hands back as it was: no line ends, which it may rewrite, no surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
WORD = st.text(st.characters(categories=["L", "N", "P"]), min_size=1)


@st.composite
def tables(draw: st.DrawFn, cells: st.SearchStrategy[str]) -> Table:
    width = draw(st.integers(1, 4))
    row = st.lists(cells, min_size=width, max_size=width).map(tuple)
    return Table(columns=draw(row), rows=tuple(draw(st.lists(row, max_size=4))))


class Cells(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"table", "thead", "tbody", "tr", "th", "td"}
        assert attrs == ([("scope", "col")] if tag == "th" else [])
        if tag == "tr":
            self.rows.append([])
        elif tag in {"th", "td"}:
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if data.strip("\n"):
            self.rows[-1][-1] += data


@given(tables(TEXT))
def test_whatever_stands_in_a_table_is_text_in_its_html(table: Table) -> None:
    assert [tuple(row) for row in Cells(table._repr_html_()).rows] == [table.columns, *table.rows]


def test_markup_in_names_and_cells_is_escaped() -> None:
    html = Table(columns=("<a>",), rows=(('"&<b>',),))._repr_html_()
    assert '<th scope="col">&lt;a&gt;</th>' in html
    assert "<td>&quot;&amp;&lt;b&gt;</td>" in html


@given(tables(WORD))
def test_every_column_of_text_begins_at_one_place(table: Table) -> None:
    lines = str(table).split("\n")
    rows = (table.columns, *table.rows)
    assert len(lines) == len(rows)
    for place in range(len(table.columns)):
        start = sum(max(len(row[left]) for row in rows) + 2 for left in range(place))
        assert all(
            line[start:].startswith(row[place]) for line, row in zip(lines, rows, strict=True)
        )


def test_text_has_no_blanks_at_the_ends_of_lines() -> None:
    table = Table(columns=("a", "long name"), rows=(("bcd", "e"), ("f", "")))
    assert str(table) == repr(table) == "a    long name\nbcd  e\nf"


@dataclass(frozen=True)
class Fruit:
    name: str
    size: int = 1

    def row(self) -> Mapping[str, str]:
        return {"fruit": self.name, "size": str(self.size)}


FRUITS = Listing([Fruit("fig"), Fruit("plum", 2), Fruit("pear", 3)])


def test_a_listing_shows_a_row_for_each_thing_in_all_its_forms() -> None:
    assert FRUITS.table.columns == ("fruit", "size")
    assert FRUITS.table.rows == (("fig", "1"), ("plum", "2"), ("pear", "3"))
    assert str(FRUITS) == repr(FRUITS) == str(FRUITS.table)
    assert FRUITS._repr_html_() == FRUITS.table._repr_html_()


def test_a_listing_is_a_sequence_whose_slices_and_choices_are_listings() -> None:
    assert (len(FRUITS), FRUITS[0], FRUITS[-1]) == (3, Fruit("fig"), Fruit("pear", 3))
    assert [fruit.name for fruit in FRUITS] == ["fig", "plum", "pear"]
    assert isinstance(FRUITS[1:], Listing)
    assert FRUITS[1:].table.rows == FRUITS.table.rows[1:]
    assert FRUITS.where(lambda fruit: fruit.size == 2).table.rows == (("plum", "2"),)


def test_nothing_is_shown_as_nothing_found() -> None:
    empty = FRUITS.where(lambda _: False)
    assert not empty
    assert str(empty) == "nothing found"
    assert '<th scope="col">nothing found</th>' in empty._repr_html_()


def test_rows_that_order_their_names_differently_still_stand_under_them() -> None:
    class Turned(Fruit):
        def row(self) -> Mapping[str, str]:
            return dict(reversed(list(super().row().items())))

    assert Listing([Fruit("fig"), Turned("kiwi", 9)]).table.rows[1] == ("kiwi", "9")
