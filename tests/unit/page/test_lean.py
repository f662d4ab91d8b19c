from __future__ import annotations

from importlib.resources import files

from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer, YamlLexer

from istiolab.page.lean import drop_plain_marks


@given(st.text(alphabet="ab =.(\n<&'\"1#", max_size=60))
def test_code_reads_the_same_and_only_what_needs_no_colour_loses_its_element(code: str) -> None:
    html = highlight(code, PythonLexer(), HtmlFormatter())
    lean = drop_plain_marks(html)
    before, after = BeautifulSoup(html, "html.parser"), BeautifulSoup(lean, "html.parser")
    assert after.text == before.text
    kept = [str(each) for each in before.find_all("span", class_=True)]
    plain = tuple(f'<span class="{name}">' for name in ("n", "w", "o", "p"))
    kept = [each for each in kept if not each.startswith(plain)]
    assert [str(each) for each in after.find_all("span")] == kept


def test_a_manifest_keeps_its_keys_and_values_alone() -> None:
    html = drop_plain_marks(highlight("a: [b]\n", YamlLexer(), HtmlFormatter(nowrap=True)))
    assert html == ('<span class="nt">a</span>: [<span class="nv">b</span>]\n')


def test_names_have_the_colour_of_the_text_in_materials_style() -> None:
    folder = files("material") / "templates" / "assets" / "stylesheets"
    names = [each for each in folder.iterdir() if each.name.startswith("main.")]
    (style,) = (each for each in names if each.name.endswith(".css"))
    assert "--md-code-hl-name-color:var(--md-code-fg-color)" in style.read_text()
