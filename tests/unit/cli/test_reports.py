from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from istiolab.cli.report import ablations, github, junit, table, text, web
from istiolab.errors import ExitCode
from istiolab.runner.ablate import Ablated
from istiolab.runner.verify import Verified
from istiolab.verdict.judge import Outcome
from tests.unit.cli.outcomes import FAILURE, drift, verified

DRIFTED = verified(Outcome.DRIFTED, drifts=(drift(),))
CHECK_FAILED = verified(Outcome.CHECK_FAILED, failure=FAILURE)
LEAKED = verified(Outcome.LEAKED, leaks=("left behind: ConfigMap default/stray",))


def test_drift_is_told_with_its_diff_its_evidence_and_what_to_do() -> None:
    assert text.render([DRIFTED]) == (
        "x.ipynb: drifted in 1 cell\n"
        "  cell 1 `ask`: changed\n"
        "  | @@ -1 +1 @@\n"
        "  | -426 <a>\n"
        "  | +200\n"
        "  evidence: reports/x\n"
        "\n"
        "hint: if the new output is right, take it over: `istiolab verify x --update`, "
        "and review the diff"
    )


def test_a_failed_check_is_told_with_its_cell_and_its_traceback() -> None:
    assert text.render([CHECK_FAILED]) == (
        "x.ipynb: untrue\n"
        "  cell 2 `judge`: cell failed: AssertionError: no <b>\n"
        "  | line 1\n"
        "  | line 2\n"
        "  evidence: reports/x"
    )


def test_a_leak_names_the_objects() -> None:
    assert text.render([LEAKED]).splitlines() == [
        "x.ipynb: leaked",
        "  left behind: ConfigMap default/stray",
    ]


def test_what_cannot_run_here_is_told_with_the_reason_in_every_form() -> None:
    barred = Verified(
        notebook=Path("notebooks/x.ipynb"), outcome=Outcome.UNSUPPORTED, barred="no lab"
    )
    assert text.render([barred]) == (
        "x.ipynb: could not run here\n"
        "  no lab\n"
        "\n"
        "hint: run it where a lab of our own can be, or leave it out: name the other notebooks"
    )
    assert json.loads(table.render([barred]))[0]["barred"] == "no lab"
    case = ET.fromstring(junit.render([barred])).find("testsuite/testcase/error")
    assert case is not None
    assert case.text == "no lab"
    assert "no lab" in web.render([barred])


def test_what_was_changed_while_it_ran_is_told_in_every_form() -> None:
    path = Path("gone/x.ipynb")
    found = replace(verified(Outcome.CHANGED, notebook=path), changed="a manifest")
    assert text.render([found]) == (
        "x.ipynb: changed while it ran\n"
        "  a manifest is not what ran any more; nothing was written\n"
        "\n"
        "hint: run it again, and save nothing that it uses meanwhile: `istiolab verify x`"
    )
    assert json.loads(table.render([found]))[0]["changed"] == "a manifest"
    case = ET.fromstring(junit.render([found])).find("testsuite/testcase/error")
    assert case is not None
    assert case.text == "a manifest is not what ran any more; nothing was written"
    assert "a manifest is not" in web.render([found])
    assert github.render([found]) == (
        "::error file=gone/x.ipynb,line=1,title=changed while it ran::"
        "a manifest is not what ran any more; nothing was written"
    )


def test_what_passed_is_one_line() -> None:
    assert text.render([verified(Outcome.VERIFIED)]) == (
        "x.ipynb: verified in 61 s, notebooks/receipts/x.json"
    )
    assert text.render([verified(Outcome.UNCHANGED)]) == "x.ipynb: unchanged"


def test_json_holds_drift_leaks_and_failure() -> None:
    rows = json.loads(table.render([DRIFTED, CHECK_FAILED, LEAKED]))
    assert [row["outcome"] for row in rows] == ["drifted", "untrue", "leaked"]
    assert rows[0]["drifts"][0]["diff"] == ["@@ -1 +1 @@", "-426 <a>", "+200"]
    assert rows[1]["failure"]["message"] == "AssertionError: no <b>"
    assert rows[2]["leaks"] == ["left behind: ConfigMap default/stray"]


def test_junit_tells_a_finding_from_an_error_and_from_what_was_skipped() -> None:
    broken = verified(Outcome.BROKEN, failure=FAILURE)
    found = [DRIFTED, CHECK_FAILED, LEAKED, broken, verified(Outcome.UNCHANGED)]
    suite = ET.fromstring(junit.render([*found, verified(Outcome.VERIFIED)]))[0]
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "6", "failures": "3", "errors": "1", "skipped": "1"}
    failure = suite[0].find("failure")
    assert failure is not None
    assert "-426 <a>" in (failure.text or "")


def test_junit_is_well_formed_whatever_a_cell_put_out() -> None:
    nasty = verified(
        Outcome.LEAKED, leaks=("".join(chr(each) for each in range(32)) + "\ud800\ufffe]]>&<",)
    )
    ET.fromstring(junit.render([nasty]))


def test_annotations_point_at_the_line_of_the_cell(tmp_path: Path) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text('{\n "cells": [\n  {\n   "id": "c00"\n  },\n  {\n   "id": "c01"\n  }\n ]\n}\n')
    found = [
        verified(Outcome.DRIFTED, drifts=(drift(),), notebook=path),
        verified(Outcome.CHECK_FAILED, failure=FAILURE, notebook=path),
    ]
    lines = github.render(found).splitlines()
    assert len(lines) == 2
    assert f"file={path},line=4,title=drifted::" in lines[0]
    assert "%0A-426 <a>%0A+200" in lines[0]
    assert f"file={path},line=7,title=untrue::" in lines[1]


@pytest.mark.parametrize("found", [DRIFTED, CHECK_FAILED, LEAKED], ids=lambda each: each.outcome)
def test_the_web_page_escapes_what_cells_put_out(found: Verified) -> None:
    page = web.render([found])
    assert "<a>" not in page
    assert "<b>" not in page
    assert str(found.outcome) in page
    assert "src=" not in page


def test_ablations_of_what_was_changed_meanwhile_say_so_and_are_no_finding() -> None:
    found = Ablated(notebook=Path("x.ipynb"), rows=(), problems=(), changed="a manifest")
    assert ablations.render([found]) == (
        "x.ipynb: changed while it ran\n"
        "  a manifest is not what ran any more; nothing was written\n"
        "\n"
        "hint: run it again, and save nothing that it uses meanwhile: `istiolab verify x --ablate`"
    )
    assert json.loads(ablations.as_json([found]))[0]["changed"] == "a manifest"
    assert ablations.exit_code([found]) is ExitCode.KERNEL


def test_ablations_are_told_cause_by_cause() -> None:
    found = Ablated(
        notebook=Path("x.ipynb"),
        rows=(("cell 3 `label`", "cell 9 `judge`", "cell failed: AssertionError"),),
        problems=("check cell 12 `other` failed without none of the causes",),
        hint="make each check ask",
    )
    assert ablations.render([found]).splitlines() == [
        "x.ipynb: not proven",
        "  without cell 3 `label`: cell 9 `judge` fails (cell failed: AssertionError)",
        "  problem: check cell 12 `other` failed without none of the causes",
        "",
        "hint: make each check ask",
    ]
    assert json.loads(ablations.as_json([found]))[0]["problems"] == list(found.problems)


def test_what_could_not_be_looked_at_is_named_and_is_no_finding() -> None:
    found = replace(verified(Outcome.VERIFIED), unseen=("/apis/away.example/v1",))
    assert "  not looked at, since nothing answers for it: /apis/away.example/v1" in text.render(
        [found]
    )
    assert json.loads(table.render([found]))[0]["unseen"] == ["/apis/away.example/v1"]
