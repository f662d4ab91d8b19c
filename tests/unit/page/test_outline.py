from __future__ import annotations

import pytest

from istiolab.errors import UsageError
from istiolab.page.directives import Part, ShowCell, ShowReceipt
from istiolab.page.outline import (
    differences,
    read_outline,
    source_digest,
    split_front_matter,
    with_source_digest,
)

PAGE = """---
title: A page
---
# A page { #a-page }

See [this](other.md#part "title") and <a href="https://istio.io">that</a>.

<!-- receipt: some -->

## Part {#part}

!!! note "Look"
    <!-- a remark -->

??? check
???+ warning "Open"

<!-- cell: some/sum code -->

```python
# no heading
[no](link.md)
```

~~~ yaml
a: b
~~~
"""


def test_the_outline_holds_what_all_languages_share() -> None:
    outline = read_outline(PAGE)
    assert outline.headings == ((1, "a-page"), (2, "part"))
    assert outline.links == ("other.md#part", "https://istio.io")
    assert outline.admonitions == ("note", "check", "warning")
    assert outline.blocks == ("python", "yaml")
    assert outline.directives == (
        ShowReceipt(notebook="some"),
        ShowCell(notebook="some", cell="sum", part=Part.CODE),
    )


def test_a_page_differs_not_from_its_translation() -> None:
    translated = (
        PAGE.replace("title: A page", "title: 一頁")
        .replace("# A page {", "# 一頁 {")
        .replace("See [this]", "請看[這裡]")
        .replace('"title"', '"標題"')
        .replace('"Look"', '"注意"')
    )
    assert translated != PAGE
    assert differences(read_outline(PAGE), read_outline(translated)) == ()


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("## Part", "### Part", "headings: number 2 is (2, 'part') in one and (3, 'part')"),
        ("{#part}", "{#other}", "headings: number 2 is (2, 'part') in one and (2, 'other')"),
        ("## Part {#part}\n", "", "headings: number 2 is (2, 'part') in one and None"),
        ("some/sum", "some/other", "directives: number 2"),
        ("sum code", "sum", "directives: number 2"),
        ("<!-- receipt: some -->\n", "", "directives: number 1"),
        ("other.md#part", "other.md", "links: number 1 is 'other.md#part' in one and 'other.md'"),
        ("https://istio.io", "https://istio.io/zh", "links: number 2"),
        ("!!! note", "!!! tip", "admonitions: number 1 is 'note' in one and 'tip'"),
        ("??? check\n", "", "admonitions: number 2 is 'check' in one and 'warning'"),
        ("```python", "```bash", "blocks: number 1 is 'python' in one and 'bash'"),
    ],
)
def test_each_kind_of_difference_is_found(old: str, new: str, found: str) -> None:
    assert PAGE.count(old) == 1
    lines = differences(read_outline(PAGE), read_outline(PAGE.replace(old, new)))
    assert len(lines) == 1
    assert found in lines[0]


def test_a_heading_without_an_id_of_its_own_is_found_in_either_page() -> None:
    bare = read_outline(PAGE.replace(" {#part}", ""))
    assert differences(bare, bare) == ("heading 2 has no explicit id",) * 2


def test_a_malformed_directive_is_an_error() -> None:
    with pytest.raises(UsageError, match="is not a directive"):
        read_outline("<!-- cell: nothing -->")


def test_front_matter_is_split_off() -> None:
    assert split_front_matter("---\na: 1\nb: 2\n---\nrest\n---\n") == ("a: 1\nb: 2", "rest\n---\n")
    assert split_front_matter("no\n---\na: 1\n---\n") == ("", "no\n---\na: 1\n---\n")


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("text\n", "---\nsource_sha256: 00ff\n---\ntext\n"),
        ("---\na: 1\n---\ntext", "---\na: 1\nsource_sha256: 00ff\n---\ntext"),
        (
            "---\nsource_sha256: 11\na: 1\n---\ntext",
            "---\nsource_sha256: 00ff\na: 1\n---\ntext",
        ),
        ("---\nsource_sha256:\n---\ntext", "---\nsource_sha256: 00ff\n---\ntext"),
    ],
)
def test_the_sources_digest_is_written_into_the_front_matter(text: str, marked: str) -> None:
    assert with_source_digest(text, "00ff") == marked
    assert source_digest(marked) == "00ff"
    assert with_source_digest(marked, "00ff") == marked


def test_a_page_without_a_digest_names_none() -> None:
    assert source_digest("source_sha256: 00ff\n") is None
    assert source_digest("---\na: 1\n---\n") is None
