"""The zoo stays in step with the code that it mutates, and the clean code knows nothing of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import reference_backend
from reference_backend.defects import Defect, DefectError, Edit, zoo

BACKEND = Path(reference_backend.__file__).parent
ELSEWHERE = {"chaos.staging-fault", "contract.declared-absent"}
"""Checks of systems that run elsewhere, and of targets that declare something absent: the gate of
the zoo has neither. They are held against defects by tests/chaos/staging/test_drill.py, by the zoo
of the Node backend, and by tests/contracts/in_other_ways/test_absences.py."""

CHECK_ID = re.compile(r'@check\(\s*"([a-z.-]+)"')


def shipped_checks() -> set[str]:
    return {
        found
        for folder in ("contracts", "load", "chaos")
        for file in (BACKEND.parent / folder).rglob("check_*.py")
        for found in CHECK_ID.findall(file.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize("name", zoo())
def test_every_edit_still_finds_its_place(name: str) -> None:
    for edit in zoo()[name].edits:
        clean = (BACKEND / edit.file).read_text(encoding="utf-8")
        assert edit.apply(clean) != clean


@pytest.mark.parametrize("name", zoo())
def test_every_defect_says_what_it_is_and_who_must_catch_it(name: str) -> None:
    defect = zoo()[name]
    assert defect.title
    assert defect.source
    assert defect.expected
    assert set(defect.expected) <= shipped_checks()
    assert defect.edits or defect.sql or defect.patch, "it changes nothing"


def test_every_check_has_a_defect_that_it_must_catch() -> None:
    caught = {check for defect in zoo().values() for check in defect.expected}
    assert shipped_checks() - caught == ELSEWHERE


def test_an_edit_that_no_longer_fits_is_refused() -> None:
    edit = Edit(file="migrations/0001_roles.sql", old="not there", new="")
    with pytest.raises(DefectError, match=r"0001_roles\.sql: expected once, found 0 times"):
        edit.apply("text")


def test_an_unknown_defect_is_refused_by_name() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reference_backend", "migrate"],
        env={"REFERENCE_BACKEND_DEFECT": "nope"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "no such defect: nope" in done.stderr
    assert "Traceback" not in done.stderr


def test_clean_code_names_the_zoo_in_one_place() -> None:
    naming = [
        file.relative_to(BACKEND).as_posix()
        for file in BACKEND.rglob("*.py")
        if "defects" not in file.parts and "defects" in file.read_text(encoding="utf-8")
    ]
    assert naming == ["__main__.py"]


def test_the_family_is_that_of_the_first_expected_check() -> None:
    assert Defect(title="t", source="s", expected=("claim.a", "hash.b")).family == "claim"


def _migrate(defects: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reference_backend", "migrate"],
        env={"REFERENCE_BACKEND_DEFECT": defects},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("pair", "why"),
    [
        ("claim-newest-first,claim-without-order", "function claim_export_job"),
        ("cap-ignores-batch,claim-newest-first", "migrations/"),
        ("organisation-from-user-metadata,role-from-user-metadata", "both replace"),
        ("evidence-cached-by-id,nope", "no such defect: nope"),
    ],
)
def test_defects_that_hide_each_other_are_refused_by_name(pair: str, why: str) -> None:
    done = _migrate(pair)
    assert done.returncode == 3
    assert why in done.stderr
    assert all(name in done.stderr for name in pair.split(",") if "no such" not in why)


def test_defects_of_different_places_are_on_at_once() -> None:
    program = (
        "from reference_backend import defects, migrate\n"
        "defects.switch_on('claim-newest-first,materialized-view-of-exports,jobs-inserted-for-anybody')\n"
        "print(*[each.version for each in migrate.shipped()][-2:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "9999_materialized-view-of-exports 9999_jobs-inserted-for-anybody\n"
