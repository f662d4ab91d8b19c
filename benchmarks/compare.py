#!/usr/bin/env python3
"""Compare `istiolab verify` with other tools that execute notebooks, on the lab that is up.

hyperfine measures. Before each run, off the clock, a tool gets fresh copies of the notebooks, and
the namespaces of the run before are waited for. A tool that cannot run notebooks side by side is
started once for each, as many at a time as `istiolab verify` runs.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".cache" / "peers"
LOGS = ROOT / "reports" / "benchmarks"
OURS = "istiolab verify"
LIMIT = 600  # seconds for a cell
DEADLINE_SECONDS = 1800  # for a tool: one that hangs has failed
EACH = "printf '%s\\0' *.ipynb | xargs -0 -n 1 -P {workers}"
TOOLS = {
    OURS: f"{ROOT}/.venv/bin/istiolab verify --quiet --workers {{workers}} *.ipynb",
    "pytest --nbmake -n": "pytest --nbmake -q -p no:cacheprovider -n {workers}"
    f" --nbmake-timeout={LIMIT} *.ipynb",
    "jupyter nbconvert --execute": f"{EACH} jupyter nbconvert --execute --to notebook"
    f" --output-dir executed --ExecutePreprocessor.timeout={LIMIT}",
    "papermill": f'{EACH} sh -c \'papermill --no-progress-bar "$0" "executed-$0"\'',
    # It ends with 0 whatever became of the notebooks, and lists them by what did.
    "jcache project execute": "jcache project execute --executor local-parallel"
    f" --timeout {LIMIT} | tee said && grep -qF 'excepted: []' said && grep -qF 'errored: []' said",
}
SKIPPING = (OURS, "jcache project execute")


def comparable() -> list[str]:
    """Return the notebooks that others can run: no change of the mesh, no lab of their own."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    trees = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    return [name for name, tree in trees.items() if "istiolab" not in tree["metadata"]]


def environment() -> dict[str, str]:
    """Return the variables by which all tools find the lab, with the peers on the PATH."""
    ready = PEERS / ".ready"
    if not ready.exists():
        print("packages of the other tools … (about 1 min)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", PEERS], check=True)
        pip = (PEERS / "bin" / "python", "-m", "pip", "install", "--quiet")
        lists = ("-r", "requirements.txt", "-r", "benchmarks/requirements.txt")
        subprocess.run([*pip, *lists], cwd=ROOT, check=True)
        subprocess.run([*pip, "--no-deps", "--editable", "."], cwd=ROOT, check=True)
        ready.touch()
    ask = f'told=$({ROOT}/.venv/bin/istiolab env) && eval "$told" && env -0'
    told = subprocess.run(["bash", "-c", ask], check=True, stdout=subprocess.PIPE, text=True)
    found = dict(line.split("=", 1) for line in told.stdout.split("\0") if line)
    own = {"JUPYTERCACHE": ".jupyter_cache", "JUPYTER_NO_CONFIG": "1"}
    return found | own | {"PATH": f"{PEERS}/bin:{found['PATH']}"}


def prepare(tool: str, names: Sequence[str], copies: int) -> str:
    """Return the command that fills the folder anew, when nothing of the last run is left."""
    # jupyter-cache knows a notebook by its cells and kernel: copies differ in the kernel's title.
    title = """s/"Python 3"/"Python 3 ('$copy')"/"""
    copy = f"sed '{title}' {ROOT}/notebooks/$name.ipynb >$name-$copy.ipynb"
    steps = [
        "find . -mindepth 1 -delete",
        f"cp -r {ROOT}/notebooks/manifests .",
        f"for name in {shlex.join(names)}; do for copy in $(seq {copies}); do {copy}; done; done",
        "kubectl wait namespaces --for=delete --selector istiolab.dev/owner --timeout=120s",
        *(["yes | jcache notebook add *.ipynb"] if tool.startswith("jcache") else []),
    ]
    return " && ".join(steps)


class Bench:
    """The lab, and how its time is spent."""

    def __init__(self, *, runs: int, workers: int) -> None:
        self.failed = False
        self._runs = str(runs)
        self._commands = {
            tool: command.replace("{workers}", str(workers)) for tool, command in TOOLS.items()
        }
        self._environment = environment()

    def fresh(self, tool: str, names: Sequence[str], copies: int = 1) -> str:
        """Return how long a tool takes for notebooks that it has not seen."""
        return self._time(tool, "--runs", self._runs, prepare=prepare(tool, names, copies))

    def again(self, tool: str, names: Sequence[str]) -> str:
        """Return how long a tool takes for notebooks that it has just executed."""
        if tool not in SKIPPING:
            return "runs everything again"
        once = f"{prepare(tool, names, 1)} && {self._commands[tool]}"
        return self._time(tool, "--runs", "3", setup=once)

    def _time(self, tool: str, *options: str, **steps: str) -> str:
        LOGS.mkdir(parents=True, exist_ok=True)
        log = LOGS / f"{tool.partition(' ')[0]}.log"
        print(f"{tool} … (log: {log})", file=sys.stderr)
        logged = {each: f"{{ {line}; }} >>{log} 2>&1" for each, line in steps.items()}
        with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile() as result:
            argv = ["hyperfine", "--style", "none", "--export-json", result.name, *options]
            argv += [word for each, line in logged.items() for word in (f"--{each}", line)]
            line = shlex.quote(self._commands[tool])
            argv += [f"timeout {DEADLINE_SECONDS} bash -c {line} >>{log} 2>&1"]
            if subprocess.run(argv, check=False, cwd=folder, env=self._environment).returncode:
                self.failed = True
                return "failed"
            return f"{json.load(result)['results'][0]['mean']:.1f} s"


def main() -> int:
    """Measure what the command line asks for, and print it as tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = comparable()
    parser.add_argument("notebooks", nargs="*", default=known, help=f"the longest first: {known}")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS), metavar="TOOL")
    parser.add_argument("--runs", type=int, default=1, help="of each; the mean is shown")
    parser.add_argument("--workers", type=int, default=4, help="how many run at once")
    parser.add_argument("--copies", type=int, nargs="+", help="of the first notebook, instead")
    asked = parser.parse_args()
    bench = Bench(runs=asked.runs, workers=asked.workers)
    names, longest = asked.notebooks, asked.notebooks[:1]
    columns: dict[str, Callable[[str], str]]
    if asked.copies:
        what = "copies"
        columns = {str(n): partial(bench.fresh, names=longest, copies=n) for n in asked.copies}
    else:
        what, together = "", f"{len(names)} notebooks together"
        columns = {together: partial(bench.fresh, names=names)} if len(names) > 1 else {}
        columns[f"`{longest[0]}` alone"] = partial(bench.fresh, names=longest)
        columns["nothing has changed"] = partial(bench.again, names=names)
    rows = [[f"`{tool}`", *(ask(tool) for ask in columns.values())] for tool in asked.tools]
    for row in ([what, *columns], ["---"] * (1 + len(columns)), *rows):
        print(f"| {' | '.join(row)} |")
    return int(bench.failed)


if __name__ == "__main__":
    sys.exit(main())
