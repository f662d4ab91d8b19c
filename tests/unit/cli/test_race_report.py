from __future__ import annotations

import json

from istiolab.cli.report.race import as_json, render
from istiolab.race.result import Again
from tests.unit.race.build import one, race, run

MACHINE = {"processor": "2 × some", "memory": "23 GiB", "kernel": "Linux 6"}
VERSIONS = {"istiolab": "0.1.0", "nbmake": "1.5.5"}
FOUND = race(
    one(),
    run(1, 82.0, who="nbmake"),
    run(1, 81.0, who="jupyter-cache"),
    run(4, 110.0, cores_busy=1.5),
    run(4, None, who="nbmake", problem="ended with 1: no room"),
    run(4, 190.0, who="jupyter-cache"),
    run(8, 210.0, cores_busy=1.9),
    run(8, 240.0, who="nbmake"),
    run(8, 380.0, who="jupyter-cache"),
    again=(
        Again(who="istiolab", notebooks=1, seconds=1.2),
        Again(who="jupyter-cache", notebooks=1, seconds=1.9),
    ),
)


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_copies_stand_in_a_row_for_each_number_with_their_ratio() -> None:
    found = rows(render(FOUND, MACHINE, VERSIONS))
    assert ["1", "86 s", "82 s", "81 s", "1.00", "1", "0.5"] in found
    assert ["4", "110 s", "–", "190 s", "1.28", "4", "1.5"] in found
    assert ["8", "210 s", "240 s", "380 s", "2.44", "8", "1.9"] in found


def test_every_table_is_one_of_markdown() -> None:
    for block in render(FOUND, MACHINE, VERSIONS).split("\n\n"):
        if block.startswith("|"):
            table = rows(block)
            assert len({len(row) for row in table}) == 1
            assert set(table[1]) == {"---"}


def test_promises_are_shown_as_kept_or_not() -> None:
    found = {row[0]: row[1:] for row in rows(render(FOUND, MACHINE, VERSIONS))}
    together = found["all notebooks together, to the longest one: at most 1.25"]
    assert together == ["1.28 (4 copies of long, 4 at a time)", "**no**"]
    again = found["unchanged notebooks, all of them: at most 2 s"]
    assert again == ["1.20 (1, start of the process included)", "yes"]
    share = found["what is no cell, of the time to the verdict: at most 5%"]
    assert share == ["6.2% (one notebook, long)", "**no**"]


def test_the_limit_and_what_did_not_run_are_told() -> None:
    text = render(FOUND, MACHINE, VERSIONS)
    assert "From 8 copies on, all 2 cores are busy (1.9)" in text
    assert "- `pytest --nbmake -n`, 4 at once: ended with 1: no room" in text
    assert "2 × some, 23 GiB, Linux 6" in text
    assert "istiolab 0.1.0, nbmake 1.5.5" in text
    quiet = render(race(one(cores_busy=0.6)), MACHINE, VERSIONS)
    assert "The 2 cores were never all busy: 0.6 at the most." in quiet


def test_who_skips_nothing_runs_everything_again() -> None:
    found = rows(render(FOUND, MACHINE, VERSIONS))
    assert ["`istiolab verify`", "1.2"] in found
    assert ["`jcache project execute`", "1.9"] in found
    assert ["`pytest --nbmake -n`", "runs everything again"] in found
    failed = render(race(one(), run(1, None, who="jupyter-cache", problem="x")), MACHINE, VERSIONS)
    assert ["`jcache project execute`", "– (it had not passed)"] in rows(failed)


def test_all_notebooks_together_have_a_table_of_their_own() -> None:
    together = (run(3, 100.0, memory_bytes=3 * 2**30), run(3, 130.0, who="nbmake"))
    text = render(race(one(), together=together), MACHINE, VERSIONS)
    assert "**All 3 notebooks together**" in text
    assert ["`istiolab verify`", "100", "3", "1.5", "3.0 GiB"] in rows(text)
    assert "together**" not in render(FOUND, MACHINE, VERSIONS)


def test_a_race_in_which_we_failed_is_shown_as_well() -> None:
    text = render(race(run(1, None, problem="drifted: a.ipynb")), MACHINE, VERSIONS)
    assert "- `istiolab verify`, 1 at once: drifted: a.ipynb" in text
    assert "not measured" in text


def test_json_has_every_figure_and_every_promise() -> None:
    found = json.loads(as_json(FOUND, MACHINE, VERSIONS))
    assert [run["seconds"] for run in found["copies"]][:2] == [86.0, 82.0]
    assert [goal["met"] for goal in found["goals"]] == [False, True, False]
    assert found["all_cores_busy_at"] == 8
    assert found["breakdown"][0]["cells"] == 75.0
    assert found["versions"] == VERSIONS
