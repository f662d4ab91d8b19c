"""Pages that mkdocs-jupyter makes of real notebooks, put into the site's look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from mkdocs_jupyter.convert import nb2html

from istiolab.errors import IstiolabError
from istiolab.notebook.cells import read_notebook
from istiolab.page.whole import Whole, check_notebook, fit_notebook
from istiolab.page.words import read_words
from tests.unit.notebook.build import code, raw, text, write

ZH = read_words("zh-TW")
STAMP = '<div class="stamp">the stamp</div>'


def stream(said: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": said}


def result(**data: str) -> dict[str, Any]:
    named = {name.replace("_", "/", 1): value for name, value in data.items()}
    return {"output_type": "display_data", "data": named, "metadata": {}}


def fit(folder: Path, *cells: dict[str, Any]) -> Whole:
    path = write(folder, *cells)
    html = nb2html(str(path), execute=False, no_prompt=True)
    return fit_notebook(html, read_notebook(path), words=ZH, above=STAMP, link_title="link")


def page(folder: Path, *cells: dict[str, Any]) -> BeautifulSoup:
    return BeautifulSoup(fit(folder, *cells).html, "html.parser")


def the(found: Tag | None) -> Tag:
    assert found is not None
    return found


def test_every_cell_is_shown_in_order_with_the_stamp_below_the_head(tmp_path: Path) -> None:
    shown = code("1 + 1", "sum", outputs=[stream("2\n")])
    found = page(tmp_path, text("# A title"), text("Some *text*."), shown, text("## More"))
    said = [part.strip() for part in found.stripped_strings]
    assert said[:3] == ["A title", "¶", "the stamp"]
    assert [each.text.strip() for each in found.find_all("pre")] == ["1 + 1", "2"]
    order = [each.name for each in found.find_all(["h1", "em", "pre", "h2"])]
    assert order == ["h1", "em", "pre", "pre", "h2"]


def test_nothing_of_the_page_that_mkdocs_jupyter_makes_weighs_it_down(tmp_path: Path) -> None:
    whole = fit(tmp_path, text("# A title"), code("1 + 1", "sum", outputs=[stream("2\n")]))
    assert len(whole.html) < 1500
    found = BeautifulSoup(whole.html, "html.parser")
    assert found.find(["script", "style", "svg", "clipboard-copy"]) is None
    assert found.find(class_=lambda name: bool(name) and str(name).startswith("jp-")) is None


def test_headings_have_ids_of_their_own_in_every_script_and_are_the_contents(
    tmp_path: Path,
) -> None:
    whole = fit(tmp_path, text("# A title"), text("## 送出請求"), text("## Some `code` & more"),
                text("## 送出請求"))  # fmt: skip
    found = BeautifulSoup(whole.html, "html.parser").find_all(["h1", "h2"])
    ids = ["a-title", "送出請求", "some-code--more", "送出請求_1"]
    assert [each["id"] for each in found] == ids
    assert [the(each.find("a"))["href"] for each in found] == [f"#{each}" for each in ids]
    assert [(each["level"], each["id"], each["name"]) for each in whole.headings] == [
        (1, ids[0], "A title"),
        (2, ids[1], "送出請求"),
        (2, ids[2], "Some code &amp; more"),
        (2, ids[3], "送出請求"),
    ]


def test_a_heading_does_not_take_the_id_of_a_cell(tmp_path: Path) -> None:
    found = page(tmp_path, text("# A title"), text("## Cell sum"), code("1", "sum"))
    assert [each["id"] for each in found.find_all(id=True)] == [
        *("a-title", "cell-sum_1", "cell-sum"),
    ]


def test_what_a_notebook_says_is_marked_as_english_and_the_stamp_is_not(tmp_path: Path) -> None:
    found = page(tmp_path, text("# A title"), code("1", "one", outputs=[stream("2\n")]))
    assert [each["lang"] for each in found.find_all(lang=True)] == ["en", "en"]
    assert the(found.find(class_="stamp")).find_parent(lang=True) is None


def test_each_cell_can_be_linked_to_by_its_name_or_its_number(tmp_path: Path) -> None:
    found = page(tmp_path, text("# A title"), code("1", "sum"), code("1"))
    assert [each["id"] for each in found.find_all(class_="cell")] == ["cell-sum", "cell-3"]
    assert [each.text for each in found.find_all(class_="filename")] == ["some · sum", "some · 3"]


def test_a_cell_without_output_is_shown_as_code_and_an_empty_one_not_at_all(
    tmp_path: Path,
) -> None:
    blank = code("1 + 1", "sum", outputs=[stream(" \n")])
    found = page(tmp_path, text("# A title"), blank, code(" \n"), text(" "))
    assert len(found.find_all("pre")) == 1
    assert found.find(class_="cell-output") is None


FRONT = raw("---\ntitle: Front matter\n---")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_raw_cell_is_shown_where_it_is_meant_for_any_form_or_for_html(
    tmp_path: Path, place: int
) -> None:
    cells = [text("# A title"), code("1", "sum")]
    raws = [
        raw("a <b>bold</b> one<script>x()</script>"),
        raw("<p>two</p>", format="text/html"),
        raw("<p>three</p>", raw_mimetype="text/html"),
        raw(r"\LaTeX{}", raw_mimetype="text/latex"),
        raw("*four*", format="text/markdown"),
        raw(""),
    ]
    found = page(tmp_path, *cells[:place], *raws, *cells[place:])
    said = " ".join(found.stripped_strings)
    for shown in ("a bold one", "two", "three"):
        assert shown in said
    for left_out in ("x()", "LaTeX", "four"):
        assert left_out not in said


def test_the_head_of_a_file_in_a_first_raw_cell_is_for_programs(tmp_path: Path) -> None:
    found = page(tmp_path, FRONT, text("# A title"), raw("---\nNot a head"))
    said = [part.strip() for part in found.stripped_strings]
    assert said == ["A title", "¶", "the stamp", "--- Not a head"]


def test_html_that_a_cell_put_out_is_cleaned_and_bounded(tmp_path: Path) -> None:
    rows = "<tr><td onclick='x()'>a</td></tr>" * 41
    html = f"<script>x()</script><table>{rows}</table>"
    shown = code("1", "table", outputs=[result(text_html=html, text_plain="a")])
    found = page(tmp_path, text("# A title"), shown)
    assert found.find("script") is None
    assert found.find(onclick=True) is None
    folded = the(found.find("details"))
    assert the(folded.find("summary")).text == ZH.folded_table.format(count=41)
    region = the(folded.find(class_="cell-output"))
    assert (region["tabindex"], region["aria-label"]) == (
        *("0", ZH.cell_output.format(cell="table")),
    )


def test_what_a_cell_printed_is_text_whatever_is_in_it(tmp_path: Path) -> None:
    said = "<b>*x*</b> \x1b[31mred\x1b[0m\n" + "line\n" * 25
    found = page(tmp_path, text("# A title"), code("1", "long", outputs=[stream(said)]))
    folded = the(found.find("details"))
    assert the(folded.find("summary")).text == ZH.folded_text.format(count=26)
    assert the(folded.find("pre")).text.startswith("<b>*x*</b> red\nline\n")


def test_a_picture_is_refused_rather_than_left_out(tmp_path: Path) -> None:
    picture = result(image_png="iVBORw0KGgo=", text_plain="<Figure>")
    with pytest.raises(IstiolabError, match="put out a picture"):
        fit(tmp_path, text("# A title"), code("1", "plot", outputs=[picture]))


def test_a_cell_that_was_not_rendered_is_an_error(tmp_path: Path) -> None:
    read = read_notebook(write(tmp_path, text("# A title"), code("1", "one")))
    with pytest.raises(IstiolabError, match=r"cell 1 of `some\.ipynb` was not rendered"):
        fit_notebook('<div class="jp-Cell" id="cell-id=cell-1"></div>', read, words=ZH)


def test_a_diagram_is_left_to_the_sites_own_script(tmp_path: Path) -> None:
    drawn = text("```mermaid\nflowchart LR\n  a --> b\n```")
    (drawing,) = page(tmp_path, text("# A title"), drawn).find_all("pre", class_="mermaid")
    assert drawing.text.split() == ["flowchart", "LR", "a", "-->", "b"]


def test_code_in_the_text_of_a_notebook_needs_a_reason_as_on_any_page(tmp_path: Path) -> None:
    fence = "```yaml\na: b\n```"
    excused = text(f"<!-- not run: it is no code -->\n\n{fence}")
    assert fit(tmp_path, text("# A title"), excused).problems == ()
    shown = fit(tmp_path, text("# A title"), text(f"Some:\n\n{fence}"), raw("<pre>x</pre>"))
    found = [str(each).split(", that")[0] for each in shown.problems]
    assert found == [
        f"{tmp_path.name}/some.ipynb: cell 2:3: a block of code, `a: b`",
        f"{tmp_path.name}/some.ipynb: cell 3:1: a block of code, `x`",
    ]


def test_a_diagram_in_the_text_of_a_notebook_needs_words(tmp_path: Path) -> None:
    path = write(tmp_path, text("Some:\n\n```mermaid\npie\n```"))
    (problem,) = check_notebook(read_notebook(path), page="n.ipynb")
    assert str(problem).startswith("n.ipynb: cell 1:3: a diagram without `accTitle`")
