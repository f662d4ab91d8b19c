from __future__ import annotations

import json
from typing import Any

import pytest

from istiolab.race.said import longest, our_problem, problem
from istiolab.system.timed import Timed


def done(code: int | None, stdout: str = "") -> Timed:
    return Timed(exit_code=code, seconds=1.0, first_line_seconds=None, stdout=stdout)


def report(name: str = "a", outcome: str = "verified", **more: Any) -> dict[str, Any]:
    return {
        "notebook": f"/race/notebooks/{name}.ipynb",
        "outcome": outcome,
        "seconds": 80.0,
        "stages": {"kernel": 1, "cells": 79.0},
        "leaks": [],
        "drifts": [],
        "failure": None,
        **more,
    }


@pytest.mark.parametrize(
    ("log", "stdout", "said"),
    [
        ("warning\nValueError: no\nlast words\n", "", "ValueError: no"),
        ("warning\n", "E   AssertionError: 2 pods\n1 failed\n", "E   AssertionError: 2 pods"),
        ("error: the lab is not up\n\nhint: istiolab up\n", "", "error: the lab is not up"),
        ("\x1b[31mKeyError\x1b[0m: 'a'\n", "", "KeyError: 'a'"),
        ("first\nlast\n\n", "", "last"),
        ("", "", "without a word"),
    ],
)
def test_a_problem_is_the_line_that_tells_most(log: str, stdout: str, said: str) -> None:
    assert problem(done(1, stdout), log, limit_seconds=9.0) == f"ended with 1: {said}"


def test_a_problem_is_never_long() -> None:
    assert len(problem(done(1), "x" * 5000, limit_seconds=9.0)) == 200


def test_one_that_was_ended_is_told_by_its_limit() -> None:
    assert problem(done(None), "ValueError: no", limit_seconds=90.0) == "not done after 90 s"
    assert our_problem(done(None, "["), "", limit_seconds=90.0) == "not done after 90 s"


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (
            report("a", "untrue", failure={"message": "AssertionError: 2 pods"}),
            "a untrue: AssertionError: 2 pods",
        ),
        (report("a", "leaked", leaks=["left behind: x"]), "a leaked: left behind: x"),
        (
            report("a", "drifted", drifts=[{"label": "cell 1", "change": "changed"}]),
            "a drifted: cell 1 changed",
        ),
    ],
)
def test_ours_is_told_by_the_first_notebook_that_did_not_pass(
    found: dict[str, Any], why: str
) -> None:
    assert our_problem(done(1, json.dumps([found])), "", limit_seconds=9.0) == why
    two = json.dumps([report("b"), found])
    told = our_problem(done(1, two), "", limit_seconds=9.0)
    assert told == why.replace(":", " (1 of 2):", 1)


def test_where_ours_could_not_do_anything_its_error_is_told() -> None:
    failed = done(4, json.dumps({"error": "lab `x` is not up"}))
    assert our_problem(failed, "error: lab `x` is not up\n", limit_seconds=9.0) == (
        "ended with 4: error: lab `x` is not up"
    )


def test_the_longest_notebook_is_the_one_that_took_longest() -> None:
    text = json.dumps([report("a", seconds=9.0), report("b", seconds=80.0)])
    assert longest(text) == ("/race/notebooks/b.ipynb", {"kernel": 1.0, "cells": 79.0})
