"""What a walk notices beside its steps, and the lines that follow."""

import tomllib

from harness.client import Answer, Record
from harness.doctor.noticed import Noticed
from harness.doctor.step import Step
from harness.target.contract.dialect import Contract
from harness.target.contract.without import Without
from harness.target.document.api_document import ApiWords

_FIELDS = {"hash_ok": frozenset[str](), "depth": frozenset[str](), "broken_at": frozenset[str]()}
WORDS = ApiWords(
    operations={},
    fields={
        "ledger_verification": _FIELDS,
        "ledger_line": {"hash": frozenset(), "actor_id": frozenset()},
    },
    headers=frozenset(),
    statuses=frozenset(),
    required={
        "ledger_verification": frozenset({"hash_ok", "depth"}),
        "ledger_line": frozenset({"hash", "actor_id"}),
    },
)


def _noticed(contract: Contract | None = None) -> Noticed:
    return Noticed(contract=contract or Contract(), words=WORDS)


def _step(noticed: Noticed, name: str) -> Step:
    return next(step for step in noticed.steps() if step.name == name)


def _answer() -> Answer:
    return Answer(
        operation_id="requestExport",
        method="POST",
        path="/x",
        instance=0,
        status=202,
        headers={},
        body=b"",
        elapsed_s=0,
    )


def _items(*moments: str) -> list[Record]:
    return [Record(created_at=moment) for moment in moments]


def test_a_field_that_is_missing_can_be_declared_absent() -> None:
    noticed = _noticed()
    noticed.thing("ledger_verification", {"hash_ok": True})
    step = _step(noticed, "fields of answers")
    assert step.how == "does not hold"
    assert step.lines == ("[contract]", 'absent = ["ledger_verification.depth"]')


def test_what_is_left_in_an_answer_may_be_it() -> None:
    noticed = _noticed(Contract(absent=("ledger_verification.hash_ok",)))
    noticed.thing("ledger_verification", {"length": 3})
    step = _step(noticed, "fields of answers")
    assert "also has length" in step.hint
    assert step.lines[1] == 'absent = ["ledger_verification.depth"] # beside what is there'
    assert '# depth = "/…"' in step.lines


def test_what_need_not_be_there_and_what_is_declared_absent_is_not_missing() -> None:
    noticed = _noticed(Contract(absent=("ledger_verification.depth",)))
    noticed.thing("ledger_verification", {"hash_ok": True})
    assert _step(noticed, "fields of answers").how == "holds"


def test_events_in_the_ledger_file_may_read_as_in_the_api() -> None:
    noticed = _noticed(
        Contract(fields={"ledger_event": {"hash": "/entryHash", "actor_id": "/actor"}})
    )
    noticed.thing("ledger_line", {"entryHash": "x", "actor": "y"})
    lines = _step(noticed, "fields of answers").lines
    assert lines[0] == "[contract.fields.ledger_line]"
    assert set(lines[1:]) == {'hash = "/entryHash"', 'actor_id = "/actor"'}


def test_lists_that_begin_with_the_newest_have_no_order() -> None:
    noticed = _noticed()
    noticed.listed("listEvidence", _items("2026-01-02", "2026-01-01"))
    assert _step(noticed, "lists").lines == ("[contract.without]", "order = true")
    noticed.listed("listJobs", _items("2026-01-01", "2026-01-02"))
    assert _step(noticed, "lists").lines == ("[contract.without]", 'order = ["listEvidence"]')


def test_lists_that_are_given_whole_have_no_pages() -> None:
    noticed = _noticed()
    noticed.listed("listEvidence", _items("2026-01-01", "2026-01-02"), limit=1)
    assert _step(noticed, "lists").lines == ("[contract.without]", 'pages = ["listEvidence"]')


def test_nothing_is_told_of_an_order_that_is_declared_away_or_cannot_be_seen() -> None:
    noticed = _noticed(Contract(without=Without(order=("listEvidence",))))
    noticed.listed("listEvidence", _items("2026-01-02", "2026-01-01"))
    noticed.listed("listJobs", _items("2026-01-02"))
    assert [step.name for step in noticed.steps()] == ["headers of answers"]


def test_headers_that_nobody_could_look_for_do_not_hold() -> None:
    assert _step(_noticed(), "headers of answers").how == "not looked at"


def test_headers_are_told_beside_those_that_are_declared() -> None:
    noticed = _noticed(Contract(without=Without(headers=("Location",))))
    noticed.header(_answer(), "Location")
    noticed.header(_answer(), "Retry-After")
    lines = _step(noticed, "headers of answers").lines
    told = tomllib.loads("\n".join(lines))
    assert told["contract"]["without"]["headers"] == ["Location", "Retry-After"]
