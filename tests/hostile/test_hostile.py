"""The gate survives a hostile backend: a verdict, its reason, in bounded time and memory."""

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.hostile.cases import CASES, MARKUP, Case
from tests.hostile.measured import Measured, measure_all

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

_ACTS = re.compile(r"[^\n\t\x20-\x7e]")
_OBEYED = re.compile(r"^\s*(?:::|\+\+\+ )|##\w*\[", re.MULTILINE)


@pytest.fixture(scope="module")
async def measured(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Measured]:
    """All cases are run once, several at a time: most of them only wait for a deadline."""
    return await measure_all(CASES, tmp_path_factory.mktemp("hostile"))


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_backend_does_no_harm(
    case: Case, measured: Mapping[str, Measured], record_property: Callable[[str, object], None]
) -> None:
    got = measured[case.name]
    record_property("hostile", f"{got.verdict} {got.seconds:.1f} s {got.peak_mb} MB")
    assert got.verdict == case.verdict, got.message + got.stderr
    assert re.search(case.reason, got.message)
    assert got.seconds < case.seconds
    assert got.peak_mb < case.megabytes
    assert "Traceback" not in got.stdout + got.stderr
    assert not (got.out / "internal-error.log").exists()


def is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    "name", [*(case.name for case in MARKUP), "markup while getting ready", "binary garbage"]
)
def test_nothing_that_is_printed_or_written_acts(
    name: str, measured: Mapping[str, Measured]
) -> None:
    got = measured[name]
    # Bodies that are no text are kept as they are, in files that no report shows.
    kept = {path: path.read_bytes() for path in got.out.rglob("*") if path.is_file()}
    written = {str(path): content.decode() for path, content in kept.items() if is_text(content)}
    assert all(path.parent.name == "evidence" for path in kept if str(path) not in written)
    assert any(path.endswith("junit.xml") for path in written)
    for place, text in {"stdout": got.stdout, "stderr": got.stderr, **written}.items():
        strange = {letter for letter in _ACTS.findall(text) if not letter.isprintable()}
        assert not strange, place
        assert not _OBEYED.search(text), place
        assert max(map(len, text.splitlines()), default=0) < 100_000, place


@pytest.mark.parametrize("case", MARKUP, ids=lambda case: case.name)
def test_reports_stay_well_formed_and_show_what_came(
    case: Case, measured: Mapping[str, Measured]
) -> None:
    got = measured[case.name]
    suite = ElementTree.parse(got.out / "junit.xml").getroot()  # noqa: S314 - our own report
    failure = suite.find(".//failure")
    assert failure is not None
    (check,) = json.loads((got.out / "results.json").read_text(encoding="utf-8"))["checks"]
    for told in (failure.text or "", check["message"]):
        assert r"\x1b[2J" in told or r"\u001b[2J" in told
        assert len(told) < 25_000


def test_the_page_of_the_cases_is_complete() -> None:
    page = Path(__file__).parents[2] / "docs" / "hostile-backend.md"
    listed = re.findall(r"^\| ([^|]+?) \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name in listed if name not in ("case", "---")] == [case.name for case in CASES]
