"""The same fault has the same fingerprint in every run; another fault has another one."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from harness.findings.fingerprint import aspect_of, fingerprint_of

CELL = (("operation", "getJob"), ("token", "viewer"))


@given(st.uuids(), st.uuids(), st.integers(1024, 65535), st.integers(0, 10**9))
def test_ids_ports_and_counts_do_not_matter(
    one: uuid.UUID, other: uuid.UUID, port: int, count: int
) -> None:
    def expectation(id_: uuid.UUID, number: int) -> str:
        return f"export {id_} to become ready within {number} s at http://127.0.0.1:{number}/x"

    assert aspect_of(expectation(one, port)) == aspect_of(expectation(other, count))


def test_the_names_of_the_cell_stand_for_its_values() -> None:
    assert aspect_of("404 from getJob as viewer", CELL) == "# from <operation> as <token>"
    assert aspect_of("getJobs", CELL) == "getJobs"


def test_text_of_the_backend_does_not_matter() -> None:
    assert aspect_of("title: 'one'") == aspect_of('title: "another"')
    assert aspect_of("a field in ['a', 'b']") == aspect_of("a field in []")


def test_rule_subject_cell_and_aspect_each_tell_findings_apart() -> None:
    first = fingerprint_of("rule", "subject", CELL, "aspect")
    others = [
        fingerprint_of("rule 2", "subject", CELL, "aspect"),
        fingerprint_of("rule", "subject 2", CELL, "aspect"),
        fingerprint_of("rule", "subject", CELL[:1], "aspect"),
        fingerprint_of("rule", "subject", CELL, "aspect 2"),
    ]
    assert len({first, *others}) == 5
    assert first == fingerprint_of("rule", "subject", CELL, "aspect")
