"""What code cells mention in; every definition of the package that they reach, out.

Rule 1: one too many rather than one too few; where the text does not tell, an UnclearError.
Rule 2: of a class counts what stands in its body, and those methods whose name is an attribute
somewhere in what is reached.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from istiolab.receipt.modules import ROOT, Module, is_ours
from istiolab.receipt.package import Package, Place
from istiolab.receipt.remembered import FUNCTIONS, mentions_of, shell_of, text_of
from istiolab.receipt.source import (
    Chain,
    Mentions,
    UnclearError,
    canonical,
    chain_of,
    mentions,
    parse,
)

# What finds a public name: it reads the table of them all, so it is not followed.
_LAZY = ("__getattr__", "_HOME_OF")
# What Python, IPython and the standard library call without our text naming it.
_UNNAMED = re.compile(r"__\w+__|_[a-z]\w*_|close|read|write|flush|fileno|keys")
# Bases that call no method of ours but such; any other base of another package may call all.
_QUIET = frozenset(
    {"ABC", "Enum", "Flag", "Generic", "IntEnum", "IntFlag", "NamedTuple", "Protocol", "StrEnum"}
    | {"Collection", "Iterable", "Iterator", "Mapping", "Sequence", "TypedDict", "object"}
)
_QUIET_ENDS = ("Error", "Exception", "Warning")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Class:
    module: Module
    methods: dict[str, list[ast.stmt]]
    bases: list[str]
    """Ours, dotted."""
    noisy: bool
    """A base of another package may call any method."""


@dataclass(slots=True, kw_only=True)
class Reach:
    """What was reached so far, and what is still to be looked at."""

    package: Package
    """The sources."""
    records: dict[str, str] = field(default_factory=dict)
    """By dotted name: the definition's text, and what the names in it stand for."""
    modules: dict[str, Module] = field(default_factory=dict)
    """Those that a record comes from."""
    _loaded: set[str] = field(default_factory=set)
    _attributes: set[str] = field(default_factory=set)
    _any_attribute: bool = False
    _classes: dict[str, _Class] = field(default_factory=dict)
    _todo: list[Place] = field(default_factory=list)

    def add_cells(self, cells: Iterable[str]) -> None:
        """Reach what code cells use, and what that uses.

        Raises:
            UnclearError: the text does not tell.
        """
        trees = [parse(text, f"code cell {place}") for place, text in enumerate(cells, start=1)]
        self._follow(mentions(trees, ""), None)
        self._close()

    def _close(self) -> None:
        """Follow until nothing new is reached."""
        while True:
            while self._todo:
                self._define(self._todo.pop())
            due = [
                (f"{name}.{method}", found.module, statements)
                for name, found in self._classes.items()
                for method, statements in found.methods.items()
                if f"{name}.{method}" not in self.records and self._is_called(name, method)
            ]
            if not due:
                return
            for each in due:
                self._record(*each)

    def _is_called(self, name: str, method: str) -> bool:
        if self._any_attribute or method in self._attributes or _UNNAMED.fullmatch(method):
            return True
        return self._is_noisy(name)

    def _is_noisy(self, name: str) -> bool:
        found = self._classes.get(name)
        # A base that is no plain class: what it is, is not looked into.
        return found is None or found.noisy or any(self._is_noisy(each) for each in found.bases)

    def _define(self, place: Place) -> None:
        if place.module is None or place.dotted in self.records:
            return
        statements = place.module.definitions[place.name]
        first = statements[0]
        if len(statements) == 1 and isinstance(first, ast.ClassDef):
            self._define_class(place.dotted, place.module, first)
        else:
            self._record(place.dotted, place.module, statements)

    def _define_class(self, name: str, module: Module, node: ast.ClassDef) -> None:
        methods: dict[str, list[ast.stmt]] = defaultdict(list)
        body: list[ast.stmt] = []
        outside: list[ast.expr] = []
        for each in node.body:
            if isinstance(each, FUNCTIONS):
                methods[each.name].append(each)
                outside += [*each.decorator_list, *each.args.defaults]
                outside += [default for default in each.args.kw_defaults if default]
            else:
                body.append(each)
        # In the body a method is called by its bare name.
        heads = {chain[0] for chain in mentions_of((*body, *outside), module.package).chains}
        self._attributes |= heads & methods.keys()
        meanings = self._record(name, module, [shell_of(node)])
        bases = [each for base in node.bases for each in _meanings_of(base, meanings)]
        self._classes[name] = _Class(
            module=module,
            methods=methods,
            bases=[each for each in bases if is_ours(each)],
            noisy=any(not is_ours(each) and not _is_quiet(each) for each in bases),
        )

    def _record(
        self, name: str, module: Module, statements: Sequence[ast.stmt]
    ) -> dict[str, list[str]]:
        try:
            found = mentions_of(tuple(statements), module.package)
        except UnclearError as unclear:
            raise UnclearError(f"`{name}`: {unclear.message}") from unclear
        meanings = self._follow(found, module)
        lines = (f"{chain} = {', '.join(meanings[chain])}" for chain in sorted(meanings))
        self.records[name] = "\n".join((text_of(tuple(statements)), *lines))
        self.modules[module.name] = module
        return meanings

    def _follow(self, found: Mentions, module: Module | None) -> dict[str, list[str]]:
        """Reach what a piece of code mentions, and return what its names stand for."""
        self._attributes |= found.attributes
        self._any_attribute |= found.any_attribute
        names: dict[str, list[str]] = defaultdict(list)
        for each in found.imports:
            names[each.bound].append(each.target)
            for place in self._find(each.whole):
                self._reach(place)
        meanings: dict[str, list[str]] = {}
        for chain in sorted(found.chains):
            known = meanings.setdefault(".".join(chain), [])
            targets = [*names[chain[0]], *(module.imports.get(chain[0], ()) if module else ())]
            # Cells share their names: there, one that is bound twice may stand for either.
            shadowed = module is not None and chain[0] in found.stored
            for target in targets:
                known += self._targets(target, chain, shadowed=shadowed)
            if module and chain[0] in module.definitions:
                place = Place(module=module, name=chain[0])
                self._reach(place)
                known.append(place.dotted)
        return {chain: known for chain, known in meanings.items() if known}

    def _targets(self, target: str, chain: Chain, *, shadowed: bool) -> list[str]:
        """Reach what a name stands for that was imported as `target`.

        Shadowed: the code also binds that name itself, so that it may stand for another thing.
        """
        dotted = ".".join((target, *chain[1:]))
        if not is_ours(target):
            return [dotted]
        try:
            places = self._find_definitions(dotted)
        except UnclearError:
            if shadowed:
                return []
            raise
        for place in places:
            self._reach(place)
        return [place.dotted for place in places]

    def _find_definitions(self, dotted: str) -> list[Place]:
        places = self._find(dotted)
        if any(place.module and not place.name for place in places):
            raise UnclearError(f"the module `{dotted}` is handed on as a whole")
        return places

    def _find(self, dotted: str) -> list[Place]:
        """Return what a dotted name leads to; load the modules on the way, as an import does."""
        if not is_ours(dotted):
            return []
        places = self.package.find(dotted)
        parts = dotted.split(".")
        way = [self.package.module(".".join(parts[: end + 1])) for end in range(len(parts))]
        for module in (*way, *(place.module for place in places)):
            if module:
                self._load(module)
        return places

    def _reach(self, place: Place) -> None:
        if place.module and place.name and place.dotted not in self.records:
            self._todo.append(place)

    def _load(self, module: Module) -> None:
        if module.name in self._loaded:
            return
        self._loaded.add(module.name)
        for dotted in (module.package, *module.loads):
            self._find(dotted)
        if module.loose:
            self._record(module.name, module, module.loose)
        if module.name == ROOT:
            for name in _LAZY:
                if statements := module.definitions.get(name):
                    self.records[f"{ROOT}.{name}"] = canonical(statements)


def _meanings_of(base: ast.expr, meanings: dict[str, list[str]]) -> list[str]:
    """Return what a base stands for, dotted; a builtin by its name."""
    chain = chain_of(base.value if isinstance(base, ast.Subscript) else base)
    if chain is None:
        return [""]
    return meanings.get(".".join(chain), [".".join(chain)])


def _is_quiet(base: str) -> bool:
    name = base.rpartition(".")[2]
    return name in _QUIET or name.endswith(_QUIET_ENDS)
