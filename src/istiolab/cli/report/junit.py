"""What came of verifying notebooks in, JUnit XML out, as CI servers read it.

The format: https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from istiolab.cli.report.text import explanation, headline
from istiolab.runner.verify import Verified
from istiolab.verdict.judge import Outcome

_FAILED = frozenset(
    {Outcome.DRIFTED, Outcome.UPDATED, Outcome.LEAKED, Outcome.EXPOSED, Outcome.CHECK_FAILED}
)
_ERRORS = frozenset({Outcome.BROKEN, Outcome.CHANGED, Outcome.UNSUPPORTED})
# Characters that XML 1.0, 2.2 does not allow, whatever a cell may have put out.
_FORBIDDEN = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
)


def render(found: Iterable[Verified]) -> str:
    """Return the report: a test case for each notebook; a finding is a failure."""
    cases = list(found)
    suite = ET.Element("testsuite", name="istiolab verify", tests=str(len(cases)))
    for each in cases:
        suite.append(_case(each))
    for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(found: Verified) -> ET.Element:
    seconds = found.execution.seconds if found.execution else 0.0
    case = ET.Element(
        "testcase", classname="notebooks", name=found.notebook.stem, time=f"{seconds:.1f}"
    )
    case.set("file", str(found.notebook))
    if found.outcome is Outcome.UNCHANGED:
        ET.SubElement(case, "skipped", message="unchanged since it was verified on this cluster")
    elif found.outcome in _FAILED | _ERRORS:
        kind = "failure" if found.outcome in _FAILED else "error"
        child = ET.SubElement(case, kind, message=headline(found), type=str(found.outcome))
        child.text = "\n".join(explanation(found)).translate(_FORBIDDEN)
    return case
