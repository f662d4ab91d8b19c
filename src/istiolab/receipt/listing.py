"""Code in; whether it uses files whose names its text does not tell, out. Nothing is run.

What names a folder below the notebook's uses what is in that one; all else may use any file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping

from istiolab.receipt.spelling import ANY, BETWEEN_WORDS, filled, spell

# What lists a folder, or finds files by a pattern.
_LISTING = frozenset({"glob", "iglob", "rglob", "listdir", "scandir", "iterdir", "walk", "fwalk"})
_LISTING_CALL = re.compile(rf"\b(?:{'|'.join(sorted(_LISTING))})\s*\(")
# Methods of a text for which a dot is a dot, and no folder.
_OF_TEXT = frozenset(
    {"split", "rsplit", "partition", "rpartition", "replace", "strip", "lstrip", "rstrip"}
    | {"count", "find", "rfind", "index", "rindex", "startswith", "endswith", "join"}
    | {"removeprefix", "removesuffix", "print", "write"}
)
_WILD = re.compile(r"[*?]")

Places = Callable[[str], bool]
"""Tells whether a text names a folder or a file, so that a listing is of what is there."""


def lists_whole(tree: ast.AST, known: Mapping[str, str], is_placed: Places) -> bool:
    """Tell whether code lists a folder that it does not name, or names the notebook's own.

    Args:
        tree: the code.
        known: what names stand for.
        is_placed: tells what names a folder or a file that is there.
    """

    def told(call: ast.AST) -> bool:
        parts = (spell(each, known) for each in ast.walk(call) if isinstance(each, ast.expr))
        return any(is_placed(text) for text in parts if text != ANY)

    return any(_is_dot(node) for node in _with_meaning(tree)) or _lists(tree, told)


def leaves_open(text: str, suffixes: frozenset[str]) -> bool:
    """Tell whether a text stands for files in the notebook's folder whose names it does not tell.

    Args:
        text: such as `apply -f *.yaml`, where a `*` may stand for what is not known, or `.yaml`.
        suffixes: those of the files there are.
    """
    return text.strip() in suffixes or any(
        _is_open(word, suffixes) for word in BETWEEN_WORDS.split(filled(text))
    )


def command_leaves_open(text: str) -> bool:
    """Tell it of source that is not plain Python: a listing, or a pattern that any file fits."""
    return bool(_LISTING_CALL.search(text)) or any(
        _WILD.search(word) and not re.search(r"\w", word) for word in text.split()
    )


def _is_open(word: str, suffixes: frozenset[str]) -> bool:
    start = _WILD.split(word, maxsplit=1)[0]
    # With a folder before it, it is of that folder.
    if start == word or "/" in start.removeprefix("./"):
        return False
    return word.startswith("./") or word.endswith(tuple(suffixes))


def _lists(node: ast.AST, is_told: Callable[[ast.AST], bool]) -> bool:
    match node:
        case ast.Import():
            return False
        case ast.ImportFrom(names=names):
            # Under its own name it is judged where it is called.
            return any(each.name in _LISTING and each.asname for each in names)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _LISTING:
            if not is_told(node):
                return True
            inner: list[ast.AST] = [*node.args, *node.keywords]
            # What is listed may itself come of a listing; the module `glob` is none.
            value = getattr(node.func, "value", None)
            inner += [] if value is None or isinstance(value, ast.Name) else [value]
        case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name) if name in _LISTING:
            return True
        case _:
            inner = [*ast.iter_child_nodes(node)]
    return any(_lists(each, is_told) for each in inner)


def _is_dot(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=str(text)):
            return text.strip() == "."
        case ast.Call(func=ast.Name(id="Path") | ast.Attribute(attr="Path"), args=[], keywords=[]):
            return True
        case _:
            return False


def _with_meaning(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of code in which a lone dot is a folder, not what joins or parts a text."""
    match node:
        case ast.Compare() | ast.BinOp() | ast.JoinedStr() | ast.Expr(value=ast.Constant()):
            aside = [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.Constant)]
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _OF_TEXT:
            aside = [each for each in node.args if isinstance(each, ast.Constant)]
        case ast.Attribute(value=ast.Constant() as value):
            aside = [value]
        case ast.keyword(arg="sep" | "end", value=ast.Constant() as value):
            aside = [value]
        case _:
            aside = []
    yield node
    for child in ast.iter_child_nodes(node):
        if child not in aside:
            yield from _with_meaning(child)
