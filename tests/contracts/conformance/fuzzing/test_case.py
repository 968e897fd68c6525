from contracts.conformance.fuzzing.case import Case, slot

TARGET = f"/api/jobs/{slot('own', 'job_id', 3)}?target_id={slot('foreign', 'target_id', 4)}"


def case(**changes: object) -> Case:
    plain = {
        "number": 1,
        "operation_id": "getJob",
        "phase": "fuzzing",
        "positive": True,
        "about": "",
        "method": "POST",
        "target": TARGET,
        "headers": (("X-A", "it's"),),
        "body": b'{"a": "\x00"}',
        "token": True,
    }
    return Case(**{**plain, **changes})  # type: ignore[arg-type]


def test_slots_are_filled_with_real_ids() -> None:
    assert case().ownerships == {"own", "foreign"}
    filled = case().filled(lambda whose, name, number: f"{whose}/{name}/{number}")
    assert filled.target == "/api/jobs/own/job_id/3?target_id=foreign/target_id/4"
    assert filled.ownerships == set()


def test_it_survives_the_way_between_processes() -> None:
    assert Case.from_plain(case().to_plain()) == case()
