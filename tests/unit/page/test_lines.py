from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.page.lines import read_lines, without_inline_code


def hidden(markdown: str) -> list[int]:
    return [each.number for each in read_lines(markdown) if not each.is_prose]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("a\n```\nb\n```\nc", [1, 2, 3]),
        ("    ```\n    b\n\n    ```\nc", [0, 1, 2, 3]),
        ("\t```\n    b\n\t```\nc", [0, 1, 2]),
        ("> ```\n> b\n> ```\n> c", [0, 1, 2]),
        ("```\n    ```\n> ```\n```\nc", [0, 1, 2, 3]),
        ("    ```\nb\n    ```", []),
        ("  ```\nb\n```\n  ```", [0, 1, 2, 3]),
        ("```\nb\n~~~", []),
    ],
)
def test_a_fenced_block_ends_as_superfences_ends_it(markdown: str, expected: list[int]) -> None:
    assert hidden(markdown) == expected


def test_two_blocks_without_prose_between_them_are_two() -> None:
    lines = read_lines("```\n```\n~~~\n~~~")
    assert [each.number for each in lines if each.opens_fence] == [0, 2]


@given(st.text(alphabet="`~> \t\nab"))
def test_no_line_is_lost_or_changed(markdown: str) -> None:
    lines = read_lines(markdown)
    assert "\n".join(each.text for each in lines) == markdown
    assert [each.number for each in lines] == list(range(len(lines)))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a `b` c ``d ` e`` f", "a  c  f"),
        ("a ` b", "a ` b"),
        (r"\`a\`", r"\`a\`"),
        ("```a```", ""),
    ],
)
def test_what_stands_between_backticks_is_left_out(text: str, left: str) -> None:
    assert without_inline_code(text) == left
