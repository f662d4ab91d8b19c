"""A module's file in; what it defines, imports and runs, by name, out. Nothing is imported.

An assignment to a name is taken to have no other effect than that name. Whatever else runs at the
import, decorators of our own included, belongs to the module as a whole.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from istiolab.receipt.source import Imported, UnclearError, chain_of, imported, is_idle, parse

ROOT = "istiolab"
"""The package's name, wherever its files lie."""
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What a module says that looks for files beside it.
_DATA = frozenset(
    {"resources", "importlib_resources", "pkgutil", "as_file", "__file__", "__path__"}
)
_LIST_OR_NAME = (ast.Name, ast.Tuple, ast.List, ast.Starred, ast.expr_context)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Module:
    """A module, taken apart; equal to itself alone, so that it can be a key."""

    name: str
    """Its dotted name."""
    package: str
    """The dotted name of the package that it is in, or is."""
    definitions: Mapping[str, list[ast.stmt]]
    """The statements that make a name: functions, classes, assignments."""
    imports: Mapping[str, list[str]]
    """What names stand for that it imports, dotted."""
    loads: tuple[str, ...]
    """What is loaded with it, dotted."""
    loose: tuple[ast.stmt, ...]
    """What else runs when it is imported."""
    data: tuple[str, ...]
    """Packages whose data files it may read, dotted."""


def is_ours(dotted: str) -> bool:
    """Tell whether a dotted name is one of the package's."""
    return dotted.partition(".")[0] == ROOT


def texts(node: ast.AST) -> list[str]:
    """Return the strings in code."""
    constants = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
    return [each for each in constants if isinstance(each, str)]


def read_module(path: Path, name: str, package: str) -> Module:
    """Take a module apart.

    Raises:
        UnclearError: it is not plain Python.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise UnclearError(f"`{path}` cannot be read", where=(str(wrong),)) from wrong
    return _take_apart(text, f"`{path}`", name, package)


# By the text itself, so that what is remembered is never out of date: all notebooks ask for the
# same few dozen modules.
@lru_cache(maxsize=256)
def _take_apart(text: str, what: str, name: str, package: str) -> Module:
    tree = parse(text, what)
    parts = _Parts(package=package)
    for statement in tree.body:
        parts.sort_in(statement)
    return Module(
        name=name,
        package=package,
        definitions=parts.definitions,
        imports=parts.imports,
        loads=tuple(parts.loads),
        loose=(*parts.loose, *parts.registered()),
        data=_data(tree, package),
    )


def _data(tree: ast.Module, package: str) -> tuple[str, ...]:
    """Return the packages whose data a module may read: its own, and those that it names."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                names.add(name)
            case ast.Import() | ast.ImportFrom():
                names.update(*(each.whole.split(".") for each in imported(node, package)))
            case _:
                pass
    if names.isdisjoint(_DATA):
        return ()
    return (package, *(each for each in texts(tree) if is_ours(each)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    package: str
    definitions: dict[str, list[ast.stmt]] = field(default_factory=lambda: defaultdict(list))
    imports: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    loads: list[str] = field(default_factory=list)
    loose: list[ast.stmt] = field(default_factory=list)

    def sort_in(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Import() | ast.ImportFrom():
                self._add_import(statement)
            case ast.If() if (chain_of(statement.test) or ("",))[-1] == "TYPE_CHECKING":
                for each in statement.orelse:
                    self._add_loose(each)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.definitions[statement.name].append(statement)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() if names := _assigned(statement):
                for name in names:
                    self.definitions[name].append(statement)
            case _:
                if not is_idle(statement):
                    self._add_loose(statement)

    def registered(self) -> Iterator[ast.stmt]:
        """Yield definitions that a decorator may put into a table of ours, or into atexit's."""
        for statements in self.definitions.values():
            for statement in statements:
                if isinstance(statement, Definition) and any(
                    self._registers(each) for each in _decorators(statement)
                ):
                    yield statement

    def _registers(self, decorator: ast.expr) -> bool:
        chain = chain_of(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if chain is None or chain[0] in self.definitions:
            return True
        targets = self.imports.get(chain[0], ())
        return any(is_ours(each) or each.startswith("atexit") for each in targets)

    def _add_loose(self, statement: ast.stmt) -> None:
        self.loose.append(statement)
        for node in ast.walk(statement):
            match node:
                case ast.Import() | ast.ImportFrom():
                    self._add_import(node)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    self.definitions[node.name].append(statement)
                case ast.Name(ctx=ast.Store()):
                    self.definitions[node.id].append(statement)
                case _:
                    pass

    def _add_import(self, node: ast.Import | ast.ImportFrom) -> None:
        found: list[Imported] = list(imported(node, self.package))
        for each in found:
            if each.bound == "*" and is_ours(each.target):
                raise UnclearError("a module of the package takes all names of another")
            self.imports[each.bound].append(each.target)
            self.loads.append(each.whole)
        if any(each.bound == "*" for each in found):
            self.loose.append(node)


def _assigned(statement: ast.Assign | ast.AnnAssign | ast.AugAssign) -> list[str]:
    """Return the names that an assignment makes; none if it changes something that is there."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    nodes = [node for target in targets for node in ast.walk(target)]
    if not all(isinstance(node, _LIST_OR_NAME) for node in nodes):
        return []
    return [node.id for node in nodes if isinstance(node, ast.Name)]


def _decorators(statement: Definition) -> list[ast.expr]:
    """Return the decorators of a definition and, if it is a class, of its methods."""
    inner = [
        decorator
        for each in (statement.body if isinstance(statement, ast.ClassDef) else ())
        if isinstance(each, _FUNCTIONS)
        for decorator in each.decorator_list
    ]
    return [*statement.decorator_list, *inner]
