from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from time import monotonic
from typing import Any

import pytest

from istiolab.errors import SilentError
from istiolab.mesh import inventory
from istiolab.notebook.execution import Execution, RunPlan
from istiolab.notebook.run import run_notebook
from istiolab.notebook.scanner import SecretScanner
from istiolab.receipt.proof import Proof, is_proven
from istiolab.receipt.record import load_record, record_path
from istiolab.receipt.store import write_receipt
from istiolab.runner import ablate
from istiolab.runner.ablate import Ablated, ablate_all
from istiolab.runner.verify import RunContext
from tests.unit.mesh.fakes import inventory_of
from tests.unit.notebook.build import code, write
from tests.unit.receipt.build import receipt
from tests.unit.runner.test_publish import CLUSTER

CONTEXT = RunContext(environment={}, reports=Path("reports"))
SHARP = (
    code("seen = set()"),
    code("seen.add(1)", "one", "cause"),
    code("seen.add(2)", "two", "cause"),
    code("assert seen == {1, 2}", "judge", "check"),
)


@pytest.fixture
def without_cluster(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Run the ablations in real kernels, on no cluster; a hook is called in each run."""

    def install(hook: Callable[[], object]) -> None:
        def execute(
            path: Path, _cluster: object, **how: Any
        ) -> tuple[Execution, tuple[()], str, SecretScanner]:
            hook()
            left_out = how["leave_out"]
            plan = RunPlan(path=path, leave_out=left_out, past_failures=left_out is not None)
            return run_notebook(plan, progress=how["progress"]), (), "", SecretScanner()

        monkeypatch.setattr(ablate, "execute", execute)
        monkeypatch.setattr(inventory, "take", lambda _: inventory_of({}))

    return install


def passed(path: Path) -> Path:
    """Write the receipt that a notebook would have if it had passed on the cluster."""
    write_receipt(path, receipt(path, images=CLUSTER.images))
    return path


def test_every_ablation_of_every_notebook_runs_beside_the_others(
    tmp_path: Path, without_cluster: Callable[[Callable[[], object]], None]
) -> None:
    together = Barrier(4, timeout=30)

    def meet() -> None:
        together.wait()

    without_cluster(meet)
    paths = [passed(write(tmp_path, *SHARP, name=name)) for name in ("a", "b")]
    told: list[float] = []
    found = ablate_all(
        paths, CLUSTER, context=CONTEXT, workers=4, progress=lambda _, done: told.append(done)
    )
    assert [each.problems for each in found] == [(), ()]
    assert [[row[0] for row in each.rows] for each in found] == [
        ["cell 2 `one`", "cell 3 `two`"]
    ] * 2
    for path in paths:
        proof = load_record(path, Proof)
        assert proof is not None
        assert is_proven(path)
        assert [run.check for run in proof.runs] == ["cell 4 `judge`"] * 2
    assert all(0 <= done <= 1 for done in told)


def test_one_that_changes_the_mesh_is_ablated_with_nothing_beside_it(
    tmp_path: Path, without_cluster: Callable[[Callable[[], object]], None]
) -> None:
    started: list[float] = []
    without_cluster(lambda: started.append(monotonic()))
    path = write(tmp_path, *SHARP)
    tree = json.loads(path.read_text())
    tree["metadata"]["istiolab"] = {"changes_mesh": True}
    path.write_text(json.dumps(tree))
    passed(path)
    ends: list[float] = []
    (found,) = ablate_all(
        [path], CLUSTER, context=CONTEXT, workers=4, progress=lambda *_: ends.append(monotonic())
    )
    assert found.problems == ()
    first, second = started
    # The first run's last cell was begun before the second run was.
    assert [first < end < second for end in ends[:4]] == [True] * 4


def test_the_cluster_is_made_ready_before_each_run(
    tmp_path: Path, without_cluster: Callable[[Callable[[], object]], None]
) -> None:
    done: list[str] = []
    without_cluster(lambda: done.append("run"))
    ablate_all(
        [passed(write(tmp_path, *SHARP))],
        CLUSTER,
        context=CONTEXT,
        workers=1,
        prepare=lambda: done.append("ready"),
    )
    assert done == ["ready", "run", "ready", "run"]


def test_what_is_not_proven_loses_its_proof(
    tmp_path: Path, without_cluster: Callable[[Callable[[], object]], None]
) -> None:
    without_cluster(lambda: None)
    path = write(tmp_path, *SHARP)
    ablate_all([path], CLUSTER, context=CONTEXT, workers=2)
    assert load_record(path, Proof) is not None
    write(tmp_path, *SHARP[:-1], code("assert seen is not None", "judge", "check"))
    (found,) = ablate_all([path], CLUSTER, context=CONTEXT, workers=2)
    assert len(found.problems) == 3
    assert load_record(path, Proof) is None


@pytest.mark.parametrize("sharp", [True, False])
def test_what_is_changed_while_it_is_ablated_neither_gains_nor_loses_a_proof(
    tmp_path: Path, without_cluster: Callable[[Callable[[], object]], None], *, sharp: bool
) -> None:
    without_cluster(lambda: None)
    path = write(tmp_path, *SHARP)
    ablate_all([path], CLUSTER, context=CONTEXT, workers=2)
    before = record_path(path, Proof).read_bytes()
    blunt = code("assert seen is not None", "judge", "check")
    cells = (*SHARP[:-1], SHARP[-1] if sharp else blunt)
    write(tmp_path, *cells)
    without_cluster(lambda: write(tmp_path, *cells, code("1 / 0")))
    (found,) = ablate_all([path], CLUSTER, context=CONTEXT, workers=1)
    assert found == Ablated(notebook=path, rows=(), problems=(), changed="the notebook")
    assert record_path(path, Proof).read_bytes() == before


def test_a_cluster_that_is_away_proves_nothing_and_is_no_finding(
    tmp_path: Path, without_cluster: Callable[[Callable[[], object]], None]
) -> None:
    without_cluster(lambda: None)
    source = "from istiolab.errors import SilentError\nif not seen: raise SilentError('away')"
    cells = (code("seen = set()"), code("seen.add(1)", "one", "cause"))
    path = write(tmp_path, *cells, code(source, "judge", "check"))
    with pytest.raises(SilentError, match=r"cell 3 `judge`: SilentError: away"):
        ablate_all([path], CLUSTER, context=RunContext(environment={}, reports=tmp_path), workers=1)
    assert load_record(path, Proof) is None


ALWAYS = (
    code("answer = 426", "apply", "cause"),
    code("assert False, 'always'", "judge", "check"),
)


def test_a_check_that_fails_with_all_causes_proves_none_of_them(
    tmp_path: Path, without_cluster: Callable[[Callable[[], None]], None]
) -> None:
    without_cluster(lambda: None)
    path = write(tmp_path, *ALWAYS)
    (found,) = ablate_all([path], CLUSTER, context=CONTEXT, workers=2)
    (problem,) = found.problems
    assert problem == (
        "it does not pass with all its causes either: "
        "cell 2 `judge`: cell failed: AssertionError: always"
    )
    assert found.hint == "make it pass first: `istiolab verify some`"
    assert not found.broken
    assert load_record(path, Proof) is None


def test_a_notebook_that_breaks_with_all_causes_is_told_from_one_that_is_not_true(
    tmp_path: Path, without_cluster: Callable[[Callable[[], None]], None]
) -> None:
    without_cluster(lambda: None)
    path = write(tmp_path, *SHARP[:-1], code("1 / 0"), SHARP[-1])
    (found,) = ablate_all([path], CLUSTER, context=CONTEXT, workers=3)
    (problem,) = found.problems
    assert problem.endswith("cell 4: cell failed: ZeroDivisionError: division by zero")
    assert found.broken
    assert load_record(path, Proof) is None


def test_a_run_that_breaks_without_a_cause_leaves_nothing_proven(
    tmp_path: Path, without_cluster: Callable[[Callable[[], None]], None]
) -> None:
    without_cluster(lambda: None)
    dies = code("import os\nif 2 not in seen: os._exit(3)")
    path = passed(write(tmp_path, *SHARP[:-1], dies, SHARP[-1]))
    (found,) = ablate_all([path], CLUSTER, context=CONTEXT, workers=2)
    assert found.problems == (
        "nothing can be said about cell 3 `two`: cell 4: kernel died: the kernel's process ended",
    )
    assert found.broken
    assert found.hint.startswith("have each cell end")
    assert load_record(path, Proof) is None


@pytest.mark.parametrize("elsewhere", [True, False], ids=["elsewhere", "here"])
def test_the_notebook_as_it_is_runs_too_unless_it_passed_just_so_on_this_cluster(
    tmp_path: Path, without_cluster: Callable[[Callable[[], None]], None], *, elsewhere: bool
) -> None:
    without_cluster(lambda: None)
    path = passed(write(tmp_path, *SHARP))
    cluster = replace(CLUSTER, images={"pilot": "another"}) if elsewhere else CLUSTER
    told: list[str] = []
    (found,) = ablate_all(
        [path], cluster, context=CONTEXT, workers=3, progress=lambda what, _: told.append(what)
    )
    assert found.problems == ()
    assert any(each.startswith("some as it is: ") for each in told) is elsewhere
    assert any(each.startswith("some without cell 2 `one`: ") for each in told)
    proof = load_record(path, Proof)
    assert proof is not None
    assert [run.cause for run in proof.runs] == ["cell 2 `one`", "cell 3 `two`"]


STRAY = {"ConfigMap default/stray": "1"}


def test_what_ablations_leave_behind_is_named_and_nothing_is_proven(
    tmp_path: Path,
    without_cluster: Callable[[Callable[[], None]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there: dict[str, str] = {}
    without_cluster(lambda: None)
    path = passed(write(tmp_path, *SHARP))
    ablate_all([path], CLUSTER, context=CONTEXT, workers=2)
    assert load_record(path, Proof) is not None
    without_cluster(lambda: there.update(STRAY))
    monkeypatch.setattr(inventory, "take", lambda _: inventory_of(there))
    (found,) = ablate_all([path], CLUSTER, context=CONTEXT, workers=2)
    assert found.problems == ("left behind: ConfigMap default/stray",)
    assert "before a check" in found.hint
    assert not found.broken
    assert [row[1] for row in found.rows] == ["cell 4 `judge`"] * 2
    assert load_record(path, Proof) is None


def test_a_leak_is_held_against_all_that_ran_at_the_time_and_no_others(
    tmp_path: Path,
    without_cluster: Callable[[Callable[[], None]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there: dict[str, str] = {}
    without_cluster(lambda: there.update(STRAY))
    monkeypatch.setattr(inventory, "take", lambda _: inventory_of(there))
    sharp = (SHARP[0], SHARP[1], code("assert 1 in seen", "judge", "check"))
    paths = [write(tmp_path, *sharp, name=name) for name in ("a", "b", "mesh", "uncaused")]
    tree = json.loads(paths[2].read_text())
    tree["metadata"]["istiolab"] = {"changes_mesh": True}
    paths[2].write_text(json.dumps(tree))
    write(tmp_path, SHARP[0], name="uncaused")
    for path in paths:
        passed(path)
    one, two, mesh, uncaused = ablate_all(paths, CLUSTER, context=CONTEXT, workers=2)
    leak = "left behind: ConfigMap default/stray"
    shared = "2 notebooks were ablated at the time; ablate each alone"
    assert one.problems == two.problems == (leak, shared)
    assert mesh.problems == ()
    assert leak not in uncaused.problems
    assert [load_record(path, Proof) is not None for path in paths] == [False, False, True, False]


def test_what_goes_with_a_namespace_is_no_leak_of_an_ablation(
    tmp_path: Path,
    without_cluster: Callable[[Callable[[], None]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_cluster(lambda: None)
    looks: list[dict[str, str]] = [{}, {"PersistentVolume a": "1"}, {}]
    monkeypatch.setattr(inventory, "take", lambda _: inventory_of(looks.pop(0)))
    path = passed(write(tmp_path, *SHARP))
    (found,) = ablate_all([path], CLUSTER, context=CONTEXT, workers=2)
    assert found.problems == ()
    assert looks == []


def test_where_the_cluster_is_made_anew_for_each_run_nobody_looks_what_one_left(
    tmp_path: Path,
    without_cluster: Callable[[Callable[[], None]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there: dict[str, str] = {}
    without_cluster(lambda: there.update(STRAY))
    monkeypatch.setattr(inventory, "take", lambda _: inventory_of(there))
    path = passed(write(tmp_path, *SHARP))
    (found,) = ablate_all([path], CLUSTER, context=CONTEXT, workers=1, prepare=there.clear)
    assert found.problems == ()
    assert load_record(path, Proof) is not None


def test_a_proof_rests_on_what_its_runs_used_and_on_what_only_the_causes_use(
    tmp_path: Path, without_cluster: Callable[[Callable[[], None]], None]
) -> None:
    without_cluster(lambda: None)
    for name in ("every", "cause", "none"):
        (tmp_path / f"{name}.yaml").write_text("1")
    cells = (code("open('every.yaml')"), code("open('cause.yaml')\nseen = 1", "one", "cause"))
    path = write(tmp_path, *cells, code("assert 'seen' in globals()", "judge", "check"))
    write_receipt(path, receipt(path, "every.yaml", "cause.yaml", images=CLUSTER.images))
    (found,) = ablate_all([path], CLUSTER, context=CONTEXT, workers=1)
    assert found.problems == ()
    (tmp_path / "none.yaml").write_text("2")
    assert is_proven(path)
    (tmp_path / "cause.yaml").write_text("2")
    assert not is_proven(path)
