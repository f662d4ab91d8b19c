"""The package's folder in; what a dotted name leads to, out. Nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from istiolab.receipt.modules import ROOT, Module, is_ours, read_module, texts
from istiolab.receipt.source import UnclearError

HOMES = "_HOMES"
"""The table in the package's `__init__` that says where its public names are defined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a dotted name leads to."""

    module: Module | None
    """The module; None for another package's name."""
    name: str
    """The name in it; empty for the module itself; dotted for another package's name."""

    @property
    def dotted(self) -> str:
        """Return the whole name."""
        if self.module is None:
            return self.name
        return f"{self.module.name}.{self.name}" if self.name else self.module.name


class Package:
    """The package's sources below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._modules: dict[str, Module | None] = {}

    def module(self, dotted: str) -> Module | None:
        """Return a module; None if there is none of that name.

        Raises:
            UnclearError: its file is not plain Python.
        """
        if dotted not in self._modules:
            self._modules[dotted] = self._read(dotted)
        return self._modules[dotted]

    def find(self, dotted: str) -> list[Place]:
        """Return what a dotted name leads to, through imports; attributes of it are passed over.

        Raises:
            UnclearError: there is no such name.
        """
        return list(self._find(dotted, ()))

    def _find(self, dotted: str, way: tuple[str, ...]) -> Iterator[Place]:
        if not is_ours(dotted):
            yield Place(module=None, name=dotted)
            return
        module: Module | None = None
        so_far = ""
        for part in dotted.split("."):
            so_far = f"{so_far}.{part}" if so_far else part
            if module and (found := self._in_module(module, part, dotted[len(so_far) :], way)):
                yield from found
                return
            module = self.module(so_far)
            if module is None:
                raise UnclearError(f"`{dotted}` is not in the package")
        yield Place(module=module, name="")

    def _in_module(self, module: Module, name: str, rest: str, way: tuple[str, ...]) -> list[Place]:
        """Return what a name of a module leads to; `way` is by which names one came here."""
        own = f"{module.name}.{name}"
        if own in way:
            raise UnclearError(f"`{own}` leads back to itself")
        targets = [each for each in module.imports.get(name, ()) if each != own]
        if module.name == ROOT and (home := homes(module).get(name)):
            targets.append(f"{ROOT}.{home}.{name}")
        found = [place for each in targets for place in self._find(f"{each}{rest}", (*way, own))]
        if name in module.definitions:
            found.append(Place(module=module, name=name))
        return found

    def _read(self, dotted: str) -> Module | None:
        path = self.root.joinpath(*dotted.split(".")[1:])
        if (path / "__init__.py").is_file():
            return read_module(path / "__init__.py", dotted, dotted)
        path = path.with_name(f"{path.name}.py")
        if dotted != ROOT and path.is_file():
            return read_module(path, dotted, dotted.rpartition(".")[0])
        return None


@lru_cache(maxsize=8)
def homes(module: Module) -> dict[str, str]:
    """Return the module of each public name, as the package's `__init__` says it.

    Raises:
        UnclearError: its table is no literal.
    """
    found: dict[str, str] = {}
    for statement in module.definitions.get(HOMES, ()):
        table = getattr(statement, "value", None)
        if not isinstance(table, ast.Dict):
            raise UnclearError(f"`{HOMES}` is not written out")
        for key, names in zip(table.keys, table.values, strict=True):
            if not isinstance(key, ast.Constant):
                raise UnclearError(f"`{HOMES}` is not written out")
            found |= dict.fromkeys(texts(names), str(key.value))
    return found
