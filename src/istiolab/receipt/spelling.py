"""Code in; the paths that it puts together, spelled out as far as its text tells, out.

Where a part is not known there is a `*`, as in a pattern of a shell. Nothing is run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

ANY = "*"
BETWEEN_WORDS = re.compile(r"[\s'\"`,;:=()\[\]{}<>|&@]+")
"""What sets apart the words of a command, or of source text that is not plain Python."""
# What str.format, the operator % and a shell put a value in place of.
_PLACE = re.compile(r"\$?\{[^{}]*\}|%[-+ #0]*\d*(?:\.\d+)?[sdrix]|\$\w+")
_PATHS = frozenset({"Path", "PurePath", "PosixPath", "PurePosixPath", "str", "fspath", "join"})
# What is below what it is asked of.
_BELOW = frozenset({"joinpath", "glob", "rglob"})
# How many names, each made of the one before, are followed.
_DEEPEST = 4


def bindings(trees: Collection[ast.AST]) -> dict[str, str]:
    """Return what names stand for that are only ever one and the same text or path."""
    known: dict[str, str] = {}
    for _ in range(_DEEPEST):
        known = _bindings(trees, known)
    return known


def _bindings(trees: Iterable[ast.AST], known: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for tree in trees:
        plain: set[int] = set()
        for node in ast.walk(tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name) as target], value=value):
                    plain.add(id(target))
                    found.setdefault(name, set()).add(spell(value, known))
                case ast.Name(id=name, ctx=ast.Store()) if id(node) not in plain:
                    found.setdefault(name, set()).add(ANY)
                case ast.arg(arg=name) | ast.alias(asname=str(name)):
                    found.setdefault(name, set()).add(ANY)
                case _:  # of a function, a class, an import, an exception caught or a pattern
                    other = getattr(node, "name", None)
                    if isinstance(other, str):
                        found.setdefault(other, set()).add(ANY)
    return {
        name: "".join(texts)
        for name, texts in found.items()
        if len(texts) == 1 and ANY not in texts
    }


def spell(node: ast.AST, known: Mapping[str, str]) -> str:
    """Return the text or the path that an expression makes."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return known.get(name, ANY)
        case ast.JoinedStr() | ast.FormattedValue(format_spec=None):
            return "".join(spell(each, known) for each in ast.iter_child_nodes(node))
        case ast.BinOp(left=left, op=ast.Add() | ast.Div() as sign, right=right):
            before, after = spell(left, known), spell(right, known)
            return before + after if isinstance(sign, ast.Add) else _joined(before, after)
        case ast.Call():
            return _spell_call(node, known)
        case _:
            return ANY


def _spell_call(call: ast.Call, known: Mapping[str, str]) -> str:
    args = [spell(each, known) for each in call.args]
    match call.func:
        case ast.Attribute(attr=name, value=value) if name in _BELOW and args:
            return _joined(spell(value, known), "/".join(args))
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _PATHS and args:
            return "/".join(args)
        case _:
            return ANY


def _joined(folder: str, name: str) -> str:
    # Of a folder that is not known nothing is said: it may be any, or none.
    return name if folder == ANY else f"{folder}/{name}"


def filled(text: str) -> str:
    """Return a text with a `*` wherever a value is to be put."""
    return _PLACE.sub(ANY, text)


def spelled(node: ast.AST, known: Mapping[str, str], *, part: bool = False) -> Iterator[str]:
    """Yield the texts and paths in code, each as a whole.

    Args:
        node: the code.
        known: what names stand for.
        part: the code around it is such a whole.
    """
    text = spell(node, known) if isinstance(node, ast.expr) else ANY
    if text != ANY and not part and not isinstance(node, ast.Name):
        yield text
    for child in ast.iter_child_nodes(node):
        yield from spelled(child, known, part=text != ANY)
