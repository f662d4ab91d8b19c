from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.race.result import Again, Goal, breakdown, full_at, goals, ours, overhead, ratio
from tests.unit.race.build import one, race, run

NAMES = ("together", "again", "overhead")


def goal(name: str, *args: object, **more: object) -> Goal:
    return dict(zip(NAMES, goals(race(*args, **more)), strict=True))[name]  # type: ignore[arg-type]


def test_a_ratio_is_to_the_same_tools_run_of_one() -> None:
    runs = [run(1, 80.0), run(4, 100.0), run(1, 50.0, who="nbmake"), run(4, 200.0, who="nbmake")]
    assert [ratio(each, runs) for each in runs] == [1.0, 1.25, 1.0, 4.0]
    assert ratio(run(2, None, problem="it broke"), runs) is None
    assert ratio(run(2, 9.0, who="papermill"), runs) is None


def test_ours_are_those_that_succeeded_by_their_number() -> None:
    runs = [run(4), run(1), run(2, None, problem="it broke"), run(1, who="nbmake")]
    assert [each.notebooks for each in ours(runs)] == [1, 4]


def test_overhead_is_what_is_no_cell_of_the_time_to_the_verdict() -> None:
    assert overhead(one()) == pytest.approx(5 / 80)
    assert overhead(run()) is None


def test_every_second_of_one_notebook_is_in_the_breakdown_once() -> None:
    found = dict(breakdown(one()))
    assert sum(found.values()) == pytest.approx(86.0)
    assert found["cells"] == 75.0
    # 1.0 to start, 0.1 to get there, and 0.5 between the last cell and the kernel's end.
    assert found["kernel: start and end"] == pytest.approx(1.6)
    assert found["after the verdict: Kubernetes removes the namespaces"] == pytest.approx(6.0)
    assert found["start of the command, a look at the cluster"] == pytest.approx(1.6)
    assert all(seconds >= 0 for seconds in found.values())
    assert breakdown(run()) == []


@given(st.dictionaries(st.sampled_from(["kernel", "cells", "comparison", "new"]), st.floats(0, 9)))
def test_stages_of_whatever_name_are_not_lost(stages: dict[str, float]) -> None:
    found = breakdown(one(stages=stages))
    assert sum(seconds for _, seconds in found) == pytest.approx(86.0)
    assert ("new" in stages) == ("new" in dict(found))


def test_all_cores_are_busy_from_the_first_run_on_that_leaves_a_tenth() -> None:
    runs = [run(1, cores_busy=0.6), run(2, cores_busy=1.3), run(4, cores_busy=1.8), run(8)]
    found = full_at(runs, cores=2)
    assert found is not None
    assert found.notebooks == 4
    assert full_at(runs[:2], cores=2) is None


def test_several_notebooks_together_are_judged_as_far_as_there_is_room() -> None:
    copies = (run(1, 80.0), run(2, 90.0), run(4, 120.0, cores_busy=1.9), run(8, 200.0))
    found = goal("together", *copies)
    assert found.found == pytest.approx(90 / 80)
    assert found.met is True
    assert found.note == "2 copies of long, 2 at a time"
    assert goal("together", *copies[:1], run(2, 101.0)).met is False


def test_different_notebooks_are_judged_rather_than_copies() -> None:
    found = goal("together", run(1, 80.0), run(2, 85.0), together=(run(3, 110.0),))
    assert (found.met, found.note) == (False, "3 notebooks, 3 at a time")


@pytest.mark.parametrize(
    ("copies", "workers", "why"),
    [
        ((run(1), run(2, cores_busy=2.0)), 4, "no room: 2 at a time keep all 2 cores busy"),
        ((run(1), run(4)), 2, "no room: 2 at a time fit"),
        ((run(1),), 4, "no room: 4 at a time fit"),
        ((run(2),), 4, "no run of one alone"),
    ],
)
def test_where_there_is_no_room_nothing_is_judged(
    copies: tuple[object, ...], workers: int, why: str
) -> None:
    found = goal("together", *copies, workers=workers)
    assert (found.found, found.met) == (None, None)
    assert found.note == why


def test_unchanged_notebooks_are_judged_by_all_of_them_and_only_if_they_were_skipped() -> None:
    quick = Again(who="istiolab", notebooks=20, seconds=1.4)
    assert goal("again", again=(quick,)).met is True
    assert goal("again", again=(Again(who="istiolab", notebooks=20, seconds=2.1),)).met is False
    broken = Again(who="istiolab", notebooks=20, seconds=0.1, problem="ended with 4")
    assert goal("again", again=(broken,)).met is None
    assert goal("again", again=(Again(who="jupyter-cache", notebooks=1, seconds=1.0),)).met is None


def test_overhead_is_judged_by_one_notebook_alone() -> None:
    found = goal("overhead", one(), run(2))
    assert found.found == pytest.approx(5 / 80)
    assert found.met is False
    assert goal("overhead", one(cells_seconds=77.0)).met is True
    assert goal("overhead", run(2)).met is None
