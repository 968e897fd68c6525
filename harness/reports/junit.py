"""`junit.xml`: what continuous integration servers understand."""

from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from harness.events import CheckResult, Event, Reporter, RunFinished, RunSummary
from harness.reports.causes import Cause, causes_of_checks
from harness.reports.describe import conclusion_word
from harness.untrusted.sanitizing import sanitize
from harness.verdict import Verdict

MOST_FAILURES = 20
"""Kinds of findings of one check, each a `<failure>`."""

MOST_SUBJECTS = 100


class JunitXml(Reporter):
    """Writes `junit.xml` when the run is over.

    A failure is a `<failure>`; an inconclusive check is an `<error>`, or `<skipped>` when
    `--allow-inconclusive` declared the gap.
    """

    def __init__(self, report_path: Path) -> None:
        self._path = report_path / "junit.xml"

    def handle(self, event: Event) -> None:
        """Write the file on the last event."""
        if isinstance(event, RunFinished):
            root = _suites(event.summary)
            indent(root)
            ElementTree(root).write(self._path, encoding="utf-8", xml_declaration=True)


def _suites(summary: RunSummary) -> Element:
    allowed = sum(result.allowed for result in summary.checks)
    # What went wrong with the run as such is a case of its own: it is an error without any check.
    whole = int(bool(summary.error))
    counts = {
        "name": "shakedown",
        "tests": str(len(summary.checks) + whole),
        "failures": str(summary.count(Verdict.FAIL)),
        "errors": str(summary.count(Verdict.INCONCLUSIVE) - allowed + whole),
        "time": f"{summary.seconds:.3f}",
    }
    root = Element("testsuites", counts)
    of_suite = {
        "skipped": str(allowed),  # Jenkins' schema has it here alone
        "timestamp": summary.started_at.isoformat(timespec="seconds"),
    }
    suite = SubElement(root, "testsuite", counts | of_suite)
    properties = SubElement(suite, "properties")
    for name, value in (
        ("target", summary.target.name),
        ("seed", summary.seed),
        ("profile", summary.profile),
        ("verdict", summary.verdict),
    ):
        SubElement(properties, "property", name=name, value=_clean(str(value)))
    for result in summary.checks:
        _case(suite, result)
    if summary.error:
        case = SubElement(suite, "testcase", classname="shakedown", name="the run", time="0.000")
        first_line = summary.error.partition("\n")[0]
        error = SubElement(case, "error", message=_clean(first_line), type=conclusion_word(summary))
        error.text = _clean(summary.error)
        SubElement(suite, "system-err").text = _clean(summary.error)
    return root


def _case(suite: Element, result: CheckResult) -> None:
    case = SubElement(
        suite,
        "testcase",
        classname=f"shakedown.{result.family}",
        name=_clean(result.id),
        time=f"{result.seconds:.3f}",
    )
    if result.verdict is Verdict.PASS:
        return
    tag = "failure" if result.verdict is Verdict.FAIL else "skipped" if result.allowed else "error"
    element = SubElement(
        case,
        tag,
        message=_clean(result.message.partition("\n")[0]),
        type=str(result.verdict),
    )
    lines = [f"{result.title} ({result.checklist})"]
    lines += [result.description] if result.description else []
    lines += [result.message]
    lines += [f"where: {result.where}"] if result.where else []
    lines += [f"log: {result.log}"] if result.log else []
    lines += [f"reproduce: {result.reproduce}"]
    element.text = _clean("\n".join(lines))
    for cause in causes_of_checks([result])[1:MOST_FAILURES]:
        _further_failure(case, cause)


def _further_failure(case: Element, cause: Cause) -> None:
    """Add another kind of finding of the same check, as a failure of its own."""
    finding = cause.first
    message = finding.message or cause.sentence
    element = SubElement(
        case, "failure", message=_clean(message.partition("\n")[0]), type=_clean(cause.rule)
    )
    subjects = f"at: {'; '.join(cause.subjects[:MOST_SUBJECTS])}"
    element.text = _clean(
        "\n".join(filter(None, [cause.sentence, message, subjects, finding.where]))
    )


def _clean(text: str) -> str:
    """Show what XML 1.0 cannot hold, which is less than what is harmless to display."""
    return sanitize(text)
