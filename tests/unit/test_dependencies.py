from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found, requirement
    return found[0].lower().replace("_", "-")


def test_every_direct_dependency_is_pinned_in_the_lock_and_nothing_is_loose() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pinned)
    assert {_name(each) for each in wanted} <= {_name(line) for line in pinned}


def test_what_the_benchmark_starts_is_pinned_and_at_no_other_version_than_ours() -> None:
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["bench"]
    ours, more = (
        dict(re.findall(r"^([\w.-]+)==(.+)$", (ROOT / path).read_text(), re.MULTILINE))
        for path in ("requirements.txt", "benchmarks/requirements.txt")
    )
    assert {_name(each) for each in group} <= {_name(each) for each in more}
    assert {_name(each) for each in ours}.isdisjoint(_name(each) for each in more)


def test_mkdocs_stays_below_2_which_drops_plugins() -> None:
    lock = (ROOT / "requirements.txt").read_text()
    assert re.search(r"^mkdocs==1\.", lock, re.MULTILINE)
