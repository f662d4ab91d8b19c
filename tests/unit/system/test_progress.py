from __future__ import annotations

import pytest

from istiolab.system.progress import SILENT, Reporter


def test_silent_reporter_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    reporter: Reporter = SILENT
    with reporter.step("work", estimate_seconds=1) as step:
        step.detail("a part of it")
        step.fraction(0.5)
    reporter.note("a line")
    assert capsys.readouterr() == ("", "")


def test_silent_step_lets_failures_through() -> None:
    with pytest.raises(ZeroDivisionError), SILENT.step("work"):
        raise ZeroDivisionError
