"""Python source in; what it mentions, and a spelling-proof text of it, out. Nothing is run.

Rule 1: what cannot be told from the text is an UnclearError, never a guess.
Rule 2: annotations are no mention; they are part of the text.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from istiolab.errors import IstiolabError

Chain = tuple[str, ...]
"""A dotted name, taken apart."""

# With these, code reaches what its text does not name: as any name's last part, or standing alone.
_BLIND = frozenset(
    {"__import__", "import_module", "reload", "run_path", "run_module"}
    | {"__subclasses__", "__init_subclass__"}
)
_BLIND_ALONE = frozenset({"exec", "eval", "globals", "get_ipython"})
# With these, code reaches attributes that its text does not name.
_ANY_ATTRIBUTE = frozenset({"__dict__", "__getattribute__", "dir", "getmembers", "vars"})
# Calls that take attributes' names, and where among their arguments.
_ASKING = {
    **dict.fromkeys(("getattr", "hasattr", "setattr", "delattr"), slice(1, 2)),
    "attrgetter": slice(None),
    "methodcaller": slice(1),
}
# What spelling alone changes, or what some versions of Python leave out.
_SPELLING = frozenset({"ctx", "kind", "type_comment"})
_FIELD = re.compile(r"\.(\w+)")


class UnclearError(IstiolabError):
    """What the code uses cannot be told from its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One name that an import binds."""

    bound: str
    """The name; `*` for all of a module's."""
    target: str
    """What it stands for, dotted."""
    whole: str
    """What is loaded, dotted; more than `target` only for `import a.b`, which binds `a`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentions:
    """What a piece of code mentions."""

    chains: frozenset[Chain]
    """Names that it reads, each with the attributes that follow."""
    attributes: frozenset[str]
    """Attributes of whatever."""
    any_attribute: bool
    """It asks for attributes whose names it computes."""
    stored: frozenset[str]
    """Names that it binds itself, other than by an import."""
    imports: tuple[Imported, ...]
    """What it imports itself."""


def parse(text: str, what: str) -> ast.Module:
    """Parse Python.

    Raises:
        UnclearError: it is none; `what` says where it stands.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as wrong:
        raise UnclearError(f"{what} is not plain Python", where=(str(wrong),)) from wrong


def canonical(node: object) -> str:
    """Return a text that differs when the code does other things, and not when it is respelled.

    `ast.dump` would do, did not its text differ between versions of Python.
    """
    match node:
        case ast.AST():
            inner = ",".join(
                f"{name}={canonical(value)}"
                for name, value in ast.iter_fields(node)
                if name not in _SPELLING and value is not None and value != []
            )
            return f"{type(node).__name__}({inner})"
        case list() | tuple():
            return f"[{','.join(canonical(each) for each in node if not is_idle(each))}]"
        case _:
            return ascii(node)


def is_idle(node: object) -> bool:
    """Tell whether a statement does nothing: a docstring is such a one."""
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def chain_of(node: ast.expr) -> Chain | None:
    """Return a dotted name taken apart; None if the expression is something else."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute) and (before := chain_of(node.value)):
        return (*before, node.attr)
    return None


def imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[Imported]:
    """Yield the names that an import binds; `package` is what relative ones start from."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            head = alias.name.partition(".")[0]
            target = alias.name if alias.asname else head
            yield Imported(bound=alias.asname or head, target=target, whole=alias.name)
        return
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1] if node.level else []
    base = ".".join((*above, *([node.module] if node.module else [])))
    for alias in node.names:
        whole = f"{base}.{alias.name}"
        yield Imported(bound=alias.asname or alias.name, target=whole, whole=whole)


def mentions(nodes: Iterable[ast.AST], package: str) -> Mentions:
    """Return what code mentions; `package` is what its relative imports start from.

    Raises:
        UnclearError: it reaches what its text does not name.
    """
    collector = _Collector(package)
    for node in nodes:
        collector.visit(node)
    return Mentions(
        chains=frozenset(collector.chains),
        attributes=frozenset(collector.attributes),
        any_attribute=collector.any_attribute,
        stored=frozenset(collector.stored),
        imports=tuple(collector.imports),
    )


class _Collector(ast.NodeVisitor):
    def __init__(self, package: str) -> None:
        self.package = package
        self.chains: set[Chain] = set()
        self.attributes: set[str] = set()
        self.any_attribute = False
        self.stored: set[str] = set()
        self.imports: list[Imported] = []

    def generic_visit(self, node: ast.AST) -> None:
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns"):
                continue
            # Of a function, a class, an exception caught or a pattern.
            if name in ("name", "rest") and isinstance(value, str):
                self._demand_clear(value)
                self.stored.add(value)
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.AST):
                    self.visit(each)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._add((node.id,))
        else:
            self.stored.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if chain := chain_of(node):
            self._add(chain)
            return
        self._add_attribute(node.attr)
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        chain = chain_of(node.func)
        if chain is None or chain[-1] not in _ASKING:
            self.generic_visit(node)
            return
        self._mention(chain)
        names = node.args[_ASKING[chain[-1]]]
        for name in names:
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                self.attributes.update(name.value.split("."))
            else:
                self.any_attribute = True
        self.any_attribute |= not names
        for each in (*node.args, *node.keywords):
            self.visit(each)

    def visit_Constant(self, node: ast.Constant) -> None:
        # What str.format takes: "{0.name}".
        if isinstance(node.value, str) and "{" in node.value:
            self.attributes.update(_FIELD.findall(node.value))

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        self.attributes.update(node.kwd_attrs)
        self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> None:
        self.stored.add(node.arg)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg == "metaclass":
            raise UnclearError("it has a metaclass, which may keep a list of its classes")
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.imports += imported(node, self.package)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._demand_clear(alias.name)
        self.imports += imported(node, self.package)

    def _add(self, chain: Chain) -> None:
        alone = len(chain) == 1 and chain[0] in _BLIND_ALONE
        if alone or chain[:2] == ("sys", "modules") or chain[0] == "builtins":
            raise UnclearError(f"it uses `{'.'.join(chain)}`")
        self._demand_clear(chain[0])
        # Handed on as it is, it may be asked for any name.
        self.any_attribute |= not (_ANY_ATTRIBUTE | _ASKING.keys()).isdisjoint(chain)
        self._mention(chain)

    def _mention(self, chain: Chain) -> None:
        self.chains.add(chain)
        for name in chain[1:]:
            self._add_attribute(name)

    def _add_attribute(self, name: str) -> None:
        self._demand_clear(name)
        self.any_attribute |= name in _ANY_ATTRIBUTE
        self.attributes.add(name)

    def _demand_clear(self, name: str) -> None:
        if name in _BLIND:
            raise UnclearError(f"it uses `{name}`")
