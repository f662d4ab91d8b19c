from __future__ import annotations

import json
from pathlib import Path

import pytest

from istiolab.batch import changes_mesh, plan_waves, plan_workers
from istiolab.mesh.capacity import Capacity
from tests.unit.notebook.build import code, write


def test_those_that_change_the_mesh_run_alone_after_the_others() -> None:
    one, two, mesh, other = (Path(name) for name in ("one", "two", "mesh", "other"))
    waves = plan_waves([(mesh, True), (one, False), (other, True), (two, False)])
    assert waves == ((one, two), (mesh,), (other,))
    assert plan_waves([]) == ()
    assert plan_waves([(mesh, True)]) == ((mesh,),)


@pytest.mark.parametrize("flag", [True, False])
def test_a_notebook_says_in_its_metadata_that_it_changes_the_mesh(
    tmp_path: Path, *, flag: bool
) -> None:
    path = write(tmp_path, code("1"))
    tree = json.loads(path.read_text())
    assert not changes_mesh(path)
    tree["metadata"]["istiolab"] = {"changes_mesh": flag}
    path.write_text(json.dumps(tree))
    assert changes_mesh(path) is flag


def test_workers_follow_what_is_free_and_are_never_none() -> None:
    plenty = 64 * 2**30
    assert plan_workers(Capacity(cores=0.0, memory_bytes=plenty)) == 1
    assert plan_workers(Capacity(cores=1.05, memory_bytes=plenty)) == 4
    assert plan_workers(Capacity(cores=100.0, memory_bytes=2**30)) == 2
    assert plan_workers(Capacity(cores=100.0, memory_bytes=plenty)) == 16
