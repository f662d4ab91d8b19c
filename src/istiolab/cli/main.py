"""The `istiolab` command: subcommands gathered, failures turned into messages and exit codes."""

from __future__ import annotations

import errno
import json
import os
import platform
import sys
import tempfile
import traceback
from importlib.metadata import version
from pathlib import Path

import click

from istiolab.cli.bench_command import bench
from istiolab.cli.lab_commands import LAB_COMMANDS
from istiolab.cli.notebook_command import notebook
from istiolab.cli.verify_command import verify
from istiolab.errors import ExitCode, HostError, IstiolabError
from istiolab.notebook.here import known_here
from istiolab.notebook.scanner import SecretScanner
from istiolab.system.interrupts import raise_when_asked_to_end
from istiolab.system.proxies import bypass

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 something on the site is not true, 2 wrong usage, "
    "3 this machine cannot, 4 the lab or cluster failed, 5 a notebook could not be executed, "
    "70 a bug in istiolab, 130 interrupted.",
)
@click.version_option(version("istiolab"), prog_name="istiolab")
def cli() -> None:
    """A real Kubernetes and Istio on this machine, and documentation that is executed on it."""


for command in (*LAB_COMMANDS, verify, notebook, bench):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line, and end the process with a documented exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    # What is made does not depend on the caller's umask; what is secret has a mode of its own.
    os.umask(0o022)
    # Asked to end, we take back what was begun, as after Ctrl-C.
    raise_when_asked_to_end()
    # For all that begins from here: kubectl, istioctl, and kernels with all that they begin.
    os.environ.update(bypass(os.environ))
    os.environ["PATH"] = with_system_folders(os.environ.get("PATH", os.defpath))
    sys.exit(run_cli(given))


def with_system_folders(path: str) -> str:
    """Return a PATH on which the programs for administrators are found: `su` leaves them out."""
    folders = path.split(os.pathsep)
    system = ("/usr/local/sbin", "/usr/sbin", "/sbin")
    return os.pathsep.join([*folders, *(each for each in system if each not in folders)])


def run_cli(arguments: list[str]) -> int:
    """Run the command line and return its exit code; what went wrong is on standard error."""
    try:
        result = cli.main(args=arguments, prog_name="istiolab", standalone_mode=False)
    except IstiolabError as error:
        _tell(error, as_json="--json" in arguments)
        return error.exit_code
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as wrong:
        wrong.show()
        return ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("interrupted; what was begun has been taken back\n")
        return ExitCode.INTERRUPTED
    except Exception as bug:  # noqa: BLE001 - the last line of defence: a report, not a traceback
        return _report_bug(bug)
    return result if isinstance(result, int) else ExitCode.OK


def _tell(error: IstiolabError, *, as_json: bool) -> None:
    # What went wrong may quote what was asked for, or what a kernel said.
    if found := SecretScanner(known_here()).find(error.render()):
        message = f"what went wrong cannot be told here, since it holds {found}"
        error = type(error)(message, log=error.log)
    sys.stderr.write(error.render() + "\n")
    if as_json:
        fields = {
            "error": error.message,
            "where": list(error.where),
            "log": str(error.log) if error.log else None,
            "hint": error.hint,
            "exit_code": int(error.exit_code),
        }
        sys.stdout.write(json.dumps(fields) + "\n")


def _report_bug(bug: Exception) -> ExitCode:
    if isinstance(bug, OSError) and bug.errno in _NO_ROOM:
        # That is no bug, and a report could not be written either.
        full = HostError("nothing more can be written", where=(str(bug),))
        _tell(full, as_json=False)
        return full.exit_code
    report = Path(tempfile.mkstemp(prefix="istiolab-bug-", suffix=".txt")[1])
    versions = f"istiolab {version('istiolab')}, Python {platform.python_version()}\n"
    scanner = SecretScanner(known_here())
    report.write_text(versions + scanner.text("".join(traceback.format_exception(bug))))
    said = scanner.text(f"{type(bug).__name__}: {bug}").rstrip()
    sys.stderr.write(f"error: this is a bug in istiolab: {said}\n  report: {report}\n")
    return ExitCode.BUG
