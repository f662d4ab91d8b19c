"""What is found is compared with what Markdown itself makes of the same text."""

from __future__ import annotations

from textwrap import indent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown import Markdown  # type: ignore[import-untyped]

from istiolab.page.blocks import DIAGRAM, INDENTED, find_blocks

# Those of mkdocs.yml that have a say in what a block is.
EXTENSIONS = [
    *("admonition", "attr_list", "def_list", "md_in_html", "tables"),
    *("pymdownx.details", "pymdownx.superfences", "pymdownx.tabbed", "pymdownx.tasklist"),
]
PIECES = [
    *("text", "- item", "1. item", "* [ ] task", "!!! note", '??? check "x"', '=== "Tab"'),
    *(
        "# Head",
        "<!-- c -->",
        "```",
        "```python",
        "~~~",
        "| a | b |",
        "term\n:   definition",
        "`code`",
    ),
]
LINE = st.builds(
    lambda tabs, piece: indent(piece, "    " * tabs), st.integers(0, 3), st.sampled_from(PIECES)
)
PAGE = st.lists(st.just("") | LINE, max_size=8).map("\n".join)


def shown(markdown: str) -> int:
    """Return how many blocks of code a reader sees."""
    html = Markdown(
        extensions=EXTENSIONS, extension_configs={"pymdownx.tabbed": {"alternate_style": True}}
    ).convert(markdown)
    return int(html.count("<pre"))


def found(markdown: str) -> list[tuple[int, str]]:
    return [(each.line, each.language) for each in find_blocks(markdown)]


@settings(deadline=None, max_examples=300, derandomize=True)
@given(PAGE)
def test_no_block_that_a_reader_sees_is_missed(markdown: str) -> None:
    assert shown(markdown) <= len(find_blocks(markdown))


@pytest.mark.parametrize(
    "markdown",
    [
        "text\n    that goes on",
        "- a\n\n    b\n\n    c",
        "- a\n    - b\n\n        c\n\n    d",
        "1. a\ngoes on\n\n    b",
        "!!! note\n    a\n\n    b",
        '??? check "x"\n\n    a\n\n    !!! tip\n\n        b',
        '=== "A"\n\n    x\n\n=== "B"\n\n    1. y\n\n        z',
        '- a\n\n    !!! note "t"\n\n        x\n\n    y',
        "term\n:   definition\n\n    more",
        "> - a\n>\n>     b",
        "- a\n\n    > quote\n\n    text",
        "# H\n\n- a\n- b\n\n    c",
        "use `<pre>`, `--8<--` and ```` ``` ````",
        "| a |\n|---|\n| b |",
    ],
)
def test_what_belongs_to_something_is_no_code(markdown: str) -> None:
    assert shown(markdown) == 0
    assert found(markdown) == []


@pytest.mark.parametrize(
    ("markdown", "line"),
    [
        ("    code", 0),
        ("\tcode", 0),
        ("text\n\n    code\n\n    more", 2),
        ("# H\n    code", 1),
        ("<!-- c -->\n    code", 1),
        ("- a\n\n        code", 2),
        ("- a\n\ntext\n\n    code", 4),
        ("text\n- no list\n\n    code", 3),
        ("- a\n\n    text\n    - no list\n\n        code", 5),
        ("!!! note\n    a\n\n        code", 3),
        ("!!! note\n        code", 1),
        ("!!! note\n    a\nb\n\n    code", 4),
        ('=== "A"\n\n    x\n\n        code', 4),
        ("a\n:   b\n\n        code", 3),
        ("- a\n\n    term\n    :   definition\n\n        code", 5),
        (">     code", 0),
        ("> text\n>\n>     code", 2),
        ("!!! note\n    > a\n>     code", 2),
        ("text\n\n    <!-- cell: some/sum -->", 2),
    ],
)
def test_code_by_its_indentation_is_found(markdown: str, line: int) -> None:
    assert shown(markdown) == 1
    assert found(markdown) == [(line, INDENTED)]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("```\na\n```", [(0, "")]),
        ("```yaml\na\n```\n~~~ bash\nb\n~~~", [(0, "yaml"), (3, "bash")]),
        ('```python title="x"\n```', [(0, "python")]),
        ("```{.python .x}\n```", [(0, "python")]),
        ("> ```c++\n> ```", [(0, "c++")]),
        ("!!! note\n\n    ```yaml\n        a\n    ```", [(2, "yaml")]),
        ("text\n\n    ```yaml\n    a\n    ```", [(2, "yaml")]),
        ("````\n```\n````", [(0, "")]),
        ("```mermaid\na\n```", [(0, DIAGRAM)]),
        ("text <pre>a</pre>", [(0, "html")]),
        ('--8<-- "file"', [(0, "snippet")]),
        ("```python\na", [(0, "fence without an end")]),
        ('```{.py title="`x`"}\na', [(0, "fence without an end")]),
    ],
)
def test_each_block_is_found_with_its_language(
    markdown: str, expected: list[tuple[int, str]]
) -> None:
    assert found(markdown) == expected
