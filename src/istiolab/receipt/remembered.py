"""Definitions of the package in; what they say, out: found once, for all notebooks.

The keys are nodes of the trees that `modules` remembers; a node is equal to itself alone, so what
is remembered of one holds as long as there is such a node.
"""

from __future__ import annotations

import ast
import copy
from functools import lru_cache

from istiolab.receipt.source import Mentions, canonical, mentions

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_MOST = 16384


@lru_cache(maxsize=_MOST)
def mentions_of(nodes: tuple[ast.AST, ...], package: str) -> Mentions:
    """Return what code mentions, as `mentions` does.

    Raises:
        UnclearError: it reaches what its text does not name.
    """
    return mentions(nodes, package)


@lru_cache(maxsize=_MOST)
def text_of(statements: tuple[ast.stmt, ...]) -> str:
    """Return a text that differs when the code does other things, as `canonical` does."""
    return canonical(list(statements))


@lru_cache(maxsize=_MOST)
def shell_of(node: ast.ClassDef) -> ast.ClassDef:
    """Return a class without its methods."""
    shell = copy.copy(node)
    shell.body = [each for each in node.body if not isinstance(each, FUNCTIONS)]
    return shell
