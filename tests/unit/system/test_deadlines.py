from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import UsageError
from istiolab.system import deadlines
from istiolab.system.command import run
from istiolab.system.deadlines import TIMEOUT_SCALE, read_scale, said, scaled, timeout_scale
from istiolab.system.retry import Answer, wait_until
from tests.unit.system.clock import FrozenClock


@pytest.mark.parametrize("unset", ["", None])
def test_without_a_scale_deadlines_are_as_written(
    unset: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if unset is None:
        monkeypatch.delenv(TIMEOUT_SCALE, raising=False)
    else:
        monkeypatch.setenv(TIMEOUT_SCALE, unset)
    assert (timeout_scale(), scaled(30)) == (1, 30)


def test_the_scale_multiplies_deadlines_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT_SCALE, "2.5")
    assert scaled(30) == 75
    assert said(75) == "75 s (timeout scale 2.5)"


@given(scale=st.floats(min_value=0.1, max_value=1000))
def test_every_scale_in_bounds_is_read_as_it_was_written(scale: float) -> None:
    assert read_scale(str(scale), of="it") == scale


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "nan", "inf", "1001", "1,5"])
def test_what_is_no_scale_is_a_usage_error_that_names_its_place(text: str) -> None:
    with pytest.raises(UsageError, match="`--timeout-scale` is `"):
        read_scale(text, of="`--timeout-scale`")


def test_waits_last_as_many_times_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT_SCALE, "20")
    clock = FrozenClock()
    waited = wait_until(lambda: Answer(done=False), timeout_seconds=3, clock=clock)
    assert waited.seconds == clock.now == pytest.approx(60)


def test_programs_may_run_as_many_times_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT_SCALE, "20")
    assert run(["sleep", "0.3"], timeout_seconds=0.1).exit_code == 0


def fixed_deadlines(call: ast.Call) -> list[ast.expr]:
    """Return the deadlines of a call that stand there as a number, or as the name of one."""
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    values = [each.value for each in call.keywords if each.arg == "timeout"]
    values += call.args if method == "settimeout" else []
    return [
        value
        for value in values
        if (isinstance(value, ast.Constant) and value.value)
        # How often one looks is no deadline, nor how long a thread's end is waited for.
        or (isinstance(value, ast.Name) and value.id.isupper() and "_LOOK_" not in value.id)
        if method != "join"
    ]


def test_no_call_of_another_library_has_a_deadline_that_is_not_scaled() -> None:
    package = Path(deadlines.__file__).parents[1]
    found = [
        f"{path.name}:{value.lineno}"
        for path in sorted(package.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for value in fixed_deadlines(node)
    ]
    assert found == []
