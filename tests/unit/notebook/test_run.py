"""Executions in real kernels."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from pathlib import Path
from time import monotonic

import psutil
import pytest

from istiolab.errors import KernelError
from istiolab.notebook.cells import to_notebook
from istiolab.notebook.execution import Ending, Execution, RunPlan
from istiolab.notebook.run import run_notebook
from tests.unit.notebook.build import code, text, write


@pytest.fixture(autouse=True)
def _no_kernel_is_left() -> object:
    yield
    # What was left open is found here, and not in the middle of another test.
    gc.collect()
    left = [each for each in psutil.Process().children(recursive=True) if each.is_running()]
    assert [each.cmdline() for each in left if "ipykernel" in " ".join(each.cmdline())] == []


def failing(execution: Execution, ending: Ending, label: str) -> str:
    assert execution.failure is not None
    assert (execution.failure.ending, execution.failure.label) == (ending, label)
    return execution.failure.message


def test_files_that_a_kernel_leaves_in_the_temporary_folder_go_with_it(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        code("import tempfile\nkept = tempfile.NamedTemporaryFile(delete=False)\nprint(kept.name)"),
    )
    execution = run_notebook(RunPlan(path=path))
    assert execution.failure is None
    left = Path(execution.document.cells[0].outputs[0].text.strip())
    assert left.is_absolute()
    assert not left.exists()


def test_cells_run_in_order_in_the_notebooks_folder_with_the_plans_variables(
    tmp_path: Path,
) -> None:
    path = write(
        tmp_path,
        text("# Title"),
        code("import os\nprint(os.getcwd())"),
        code(""),
        code("os.environ['GIVEN']", "given"),
        code("1 / 0", "raises-exception"),
        code("import warnings\nwarnings.warn('look')"),
    )
    before = path.read_bytes()
    told: list[str] = []
    execution = run_notebook(
        RunPlan(path=path, environment={"GIVEN": "value"}),
        progress=lambda what, _done: told.append(what),
    )
    assert execution.failure is None
    assert path.read_bytes() == before
    assert told == [
        "kernel",
        *(f"{each} of 6" for each in ("cell 2", "cell 4 `given`", "cell 5", "cell 6")),
    ]
    assert [(run.index, run.name) for run in execution.cells] == [
        (1, None),
        (3, "given"),
        (4, None),
        (5, None),
    ]
    cells = to_notebook(execution.document, path=path).cells
    assert cells[1].outputs[0].text == f"{tmp_path}\n"
    assert cells[3].outputs[0].text == "'value'"
    assert "ZeroDivisionError: division by zero" in cells[4].outputs[0].text
    assert cells[5].outputs[0].text.startswith("<cell>:2: UserWarning: look")
    counts = [each.get("execution_count") for each in execution.document.cells]
    assert counts == [None, 1, None, 2, 3, 4]
    assert execution.seconds >= sum(run.seconds for run in execution.cells)


def test_two_executions_put_out_the_same(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        code("{'a', 'b', 'c', 'd'}"),
        code("import warnings\nwarnings.warn('look')"),
        code("1 +", "raises-exception"),
    )
    documents = [run_notebook(RunPlan(path=path)).document for _ in range(2)]
    assert documents[0] == documents[1]


def test_an_error_stops_at_its_cell(tmp_path: Path) -> None:
    path = write(tmp_path, code("1"), code("assert 200 == 426, 'status'", "same"), code("2"))
    execution = run_notebook(RunPlan(path=path))
    message = failing(execution, Ending.CELL_FAILED, "cell 2 `same`")
    assert message == "AssertionError: status"
    assert execution.failure is not None
    assert "assert 200 == 426" in execution.failure.traceback
    assert "\x1b" not in execution.failure.traceback
    assert len(execution.cells) == 2
    assert execution.document.cells[2].outputs == []


@pytest.mark.parametrize("source", ["print({})", "raise ValueError({})"])
def test_a_secret_stops_at_its_cell_and_none_of_its_outputs_is_kept(
    tmp_path: Path, source: str
) -> None:
    token = "'eyJhbGciOiJub25lIn0' '.eyJzdWIiOiJ0ZXN0In0.'"
    path = write(
        tmp_path,
        code("1"),
        code(source.format(token), "show", "raises-exception"),
        code("2"),
    )
    execution = run_notebook(RunPlan(path=path, past_failures=True, leave_out="c00"))
    message = failing(execution, Ending.EXPOSED, "cell 2 `show`")
    assert message == "it put out a JSON Web Token; nothing of its outputs is kept"
    assert "eyJzdWIiOiJ0ZXN0In0" not in repr([cell.outputs for cell in execution.document.cells])
    assert execution.document.cells[2].outputs == []


def test_a_declared_error_must_happen(tmp_path: Path) -> None:
    path = write(tmp_path, code("1", "raises-exception"))
    execution = run_notebook(RunPlan(path=path))
    assert "ended without an error" in failing(execution, Ending.NO_ERROR, "cell 1")


def test_no_tag_keeps_a_cell_from_being_run(tmp_path: Path) -> None:
    path = write(tmp_path, code("assert False", "check", "skip-execution"))
    execution = run_notebook(RunPlan(path=path))
    failing(execution, Ending.CELL_FAILED, "cell 1 `skip-execution`")


def test_a_cluster_that_is_away_is_no_declared_error(tmp_path: Path) -> None:
    source = "from istiolab.errors import SilentError\nraise SilentError('it does not answer')"
    path = write(tmp_path, code(source, "refused", "raises-exception"))
    execution = run_notebook(RunPlan(path=path))
    message = failing(execution, Ending.CELL_FAILED, "cell 1 `refused`")
    assert message == "SilentError: it does not answer"


def test_a_kernel_that_dies_is_named_with_its_cell(tmp_path: Path) -> None:
    path = write(tmp_path, code("print('before', flush=True)"), code("import os\nos._exit(3)"))
    execution = run_notebook(RunPlan(path=path))
    failing(execution, Ending.KERNEL_DIED, "cell 2")


def test_a_cell_that_hangs_is_interrupted_and_named(tmp_path: Path) -> None:
    path = write(tmp_path, code("import time\nprint('x')\ntime.sleep(600)", "sleeper"))
    start = monotonic()
    execution = run_notebook(RunPlan(path=path, timeout_seconds=1))
    assert monotonic() - start < 20
    assert "not done after 1 s" in failing(execution, Ending.HUNG, "cell 1 `sleeper`")
    assert execution.failure is not None
    assert "time.sleep(600)" in execution.failure.traceback


def test_a_cell_that_ignores_the_interrupt_is_killed_and_named(tmp_path: Path) -> None:
    source = """
import time
while True:
    try:
        time.sleep(600)
    except KeyboardInterrupt:
        pass
"""
    path = write(tmp_path, code(source))
    start = monotonic()
    execution = run_notebook(RunPlan(path=path, timeout_seconds=1, grace_seconds=1))
    assert monotonic() - start < 20
    failing(execution, Ending.HUNG, "cell 1")


def test_a_cells_own_deadline_goes_before_the_plans(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        code("import time\ntime.sleep(1.5)", metadata={"istiolab": {"timeout_seconds": 60}}),
    )
    assert run_notebook(RunPlan(path=path, timeout_seconds=1)).failure is None


def test_a_cell_has_more_time_on_a_slow_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISTIOLAB_TIMEOUT_SCALE", "20")
    source = "import os, time\ntime.sleep(1)\nprint(os.environ['ISTIOLAB_TIMEOUT_SCALE'])"
    execution = run_notebook(RunPlan(path=write(tmp_path, code(source)), timeout_seconds=0.5))
    assert execution.failure is None
    # And what the helpers wait for in it as well.
    assert execution.document.cells[0].outputs[0].text == "20\n"


def test_long_output_is_cut_and_says_so(tmp_path: Path) -> None:
    path = write(
        tmp_path, code("for _ in range(300):\n    print('x' * 1000, flush=True)"), code("'next'")
    )
    execution = run_notebook(RunPlan(path=path, cut_bytes=50_000))
    assert execution.failure is None
    outputs = to_notebook(execution.document, path=path).cells[0].outputs
    assert sum(len(output.text) for output in outputs) < 60_000
    assert "the output was cut after 50,000 bytes" in outputs[-1].text
    assert execution.document.cells[1].outputs[0].data["text/plain"] == "'next'"


def test_output_without_end_is_interrupted(tmp_path: Path) -> None:
    path = write(tmp_path, code("while True:\n    print('x' * 10_000)"))
    execution = run_notebook(RunPlan(path=path, runaway_bytes=1_000_000))
    assert "1,000,000 bytes" in failing(execution, Ending.RUNAWAY, "cell 1")
    assert "was cut" in str(execution.document.cells[0].outputs)


def test_a_kernel_that_is_not_there_is_an_error_that_names_those_there_are(tmp_path: Path) -> None:
    kernel = {"display_name": "Other", "language": "other", "name": "other"}
    with pytest.raises(KernelError, match="names the kernel `other`") as caught:
        run_notebook(RunPlan(path=write(tmp_path, code("1"), kernel=kernel)))
    assert "python3" in caught.value.where[0]


def test_a_kernel_is_this_interpreters_and_nothing_that_the_caller_has_around_reaches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "startup.py").write_text("print('hello from my startup')")
    spec = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text('{"argv": ["false"], "display_name": "Theirs", "language": "python"}')
    for name, value in {
        "PYTHONSTARTUP": str(tmp_path / "startup.py"),
        "JUPYTER_PATH": str(tmp_path / "jupyter"),
        "PYTHONOPTIMIZE": "1",
        "TZ": "Asia/Taipei",
        "COLUMNS": "40",
        "KUBECONFIG": "theirs",
    }.items():
        monkeypatch.setenv(name, value)
    path = write(
        tmp_path,
        code("import os, shutil, sys, time\nsys.executable, __debug__, time.tzname[0]"),
        code("shutil.get_terminal_size().columns, os.environ.get('KUBECONFIG')"),
    )
    first, second = run_notebook(RunPlan(path=path)).document.cells
    assert [each.output_type for each in first.outputs] == ["execute_result"]
    assert first.outputs[0].data["text/plain"] == repr((sys.executable, True, "UTC"))
    assert second.outputs[0].data["text/plain"] == "(80, None)"


def test_secrets_do_not_reach_the_outputs(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        code("print('eyJhbGciOiJ9.eyJzdWIiOiJ9.c2lnbmF0dXJl')"),
        code("raise ValueError('eyJhbGciOiJ9.eyJzdWIiOiJ9.c2lnbmF0dXJl')"),
    )
    execution = run_notebook(RunPlan(path=path))
    assert "eyJhbGciOiJ9" not in str(execution).replace(path.read_text(), "").replace(
        "print('eyJhbGciOiJ9", ""
    ).replace("ValueError('eyJhbGciOiJ9", "")


def test_a_kernel_does_not_get_our_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "t0ken-of-the-environment")
    path = write(tmp_path, code("import os\n'SOME_TOKEN' in os.environ, 'PATH' in os.environ"))
    outputs = run_notebook(RunPlan(path=path)).document.cells[0].outputs
    assert outputs[0].data["text/plain"] == "(False, True)"


def test_a_run_that_is_stopped_ends_its_kernel_in_the_middle_of_a_cell(tmp_path: Path) -> None:
    path = write(tmp_path, code("import time\ntime.sleep(600)"))
    begun = threading.Event()

    def progress(what: str, _done: float) -> None:
        if what.startswith("cell"):
            begun.set()

    start = monotonic()
    with pytest.raises(KernelError, match=r"`some\.ipynb` was stopped"):
        run_notebook(RunPlan(path=path), progress=progress, is_stopped=begun.is_set)
    assert monotonic() - start < 60


def test_ctrl_c_ends_the_kernel(tmp_path: Path) -> None:
    path = write(tmp_path, code("import time\ntime.sleep(600)"))
    started = threading.Event()

    def interrupt() -> None:
        started.wait(30)
        os.kill(os.getpid(), signal.SIGINT)

    def progress(what: str, _done: float) -> None:
        if what.startswith("cell"):
            started.set()

    helper = threading.Thread(target=interrupt)
    helper.start()
    with pytest.raises(KeyboardInterrupt):
        run_notebook(RunPlan(path=path), progress=progress)
    helper.join()
