from __future__ import annotations

import json
from pathlib import Path

import pytest

from istiolab.system import calibration
from istiolab.system.calibration import CALIBRATION, calibrate, scale_for


@pytest.mark.parametrize(
    ("slowness", "scale"), [(0.4, 1), (1, 1), (1.3, 1), (1.49, 1), (1.5, 1.5), (18.24, 18.2)]
)
def test_a_machine_that_is_not_notably_slower_gets_no_more_time(
    slowness: float, scale: float
) -> None:
    assert scale_for(slowness) == scale


def on(boot: str, slowness: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_machine", lambda: boot)
    monkeypatch.setattr(calibration, "_measure", lambda: slowness)


def test_what_was_measured_is_kept_until_the_machine_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on("one", 4.0, monkeypatch)
    assert calibrate(tmp_path) == 4
    on("one", 7.0, monkeypatch)
    assert calibrate(tmp_path) == 4
    on("another", 7.0, monkeypatch)
    assert calibrate(tmp_path) == 7


@pytest.mark.parametrize("kept", ["", "[]", "{}", '{"measured_on": "one"}'])
def test_what_was_not_kept_whole_is_measured_again(
    kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / CALIBRATION).write_text(kept)
    on("one", 3.0, monkeypatch)
    assert calibrate(tmp_path) == 3
    assert json.loads((tmp_path / CALIBRATION).read_text())["scale"] == 3


def test_a_folder_that_is_not_there_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on("one", 3.0, monkeypatch)
    assert calibrate(tmp_path / "none") == 3
    assert not (tmp_path / "none").exists()


def test_the_measurement_is_about_work_that_takes_time() -> None:
    assert 0.05 < calibration._measure() < 1000
