import pytest

from harness.client import Answer
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal, expect_status


def answer(body: bytes, status: int = 200, **headers: str) -> Answer:
    return Answer(
        operation_id="getExport",
        method="GET",
        path="/api/exports/1",
        instance=1,
        status=status,
        headers=headers,
        body=body,
        elapsed_s=0.01,
    )


def test_data_is_what_the_envelope_holds() -> None:
    got = answer(b'{"data": {"id": "1", "files": [{"name": "a"}]}}')
    assert got.data["id"] == "1"
    assert got.data["files"][0]["name"] == "a"


def test_a_missing_field_fails_the_check_and_says_which_at_any_depth() -> None:
    got = answer(b'{"data": {"id": "1", "files": [{"name": "a"}]}}')
    with pytest.raises(CheckFailed, match=r"'sha256' in the answer to getExport"):
        got.data["files"][0]["sha256"]
    assert got.data.get("sha256") is None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[1]", b'{"error": 1}', b'{"data": [1]}', b'{"data": null}', b"\xff\xfe"],
)
def test_an_answer_without_data_fails_the_check(body: bytes) -> None:
    with pytest.raises(CheckFailed):
        _ = answer(body).data


@pytest.mark.parametrize("body", [b'{"data": {}}', b'{"data": [1]}', b'{"data": [[]]}'])
def test_a_list_answer_must_hold_objects(body: bytes) -> None:
    with pytest.raises(CheckFailed, match="list of objects"):
        _ = answer(body).items


def test_nesting_beyond_all_reason_fails_the_check_instead_of_crashing_it() -> None:
    with pytest.raises(CheckFailed):
        _ = answer(b"[" * 200_000).json


def test_a_problem_is_known_by_its_code() -> None:
    assert answer(b'{"code": "not_found"}', 404).code == "not_found"
    for body in (b"", b"[]", b'{"code": 7}', b"not json"):
        assert answer(body, 404).code is None


def test_flags_are_true_or_not() -> None:
    name = "x-idempotency-replayed"
    assert answer(b"", 200, **{name: "True "}).flag(name)
    assert not answer(b"", 200, **{name: "false"}).flag(name)
    assert not answer(b"").flag(name)


def test_a_message_names_request_instance_and_request_id_and_is_short() -> None:
    got = answer(b"x" * 5000, 500, **{"x-request-id": "r-77"}).describe()
    assert got.startswith("500 to GET /api/exports/1 from API instance 2 [request id r-77]: xxx")
    assert got.endswith("4600 bytes more")


def test_expectations_fail_in_the_contracts_words() -> None:
    expect(True, expected="a", got="b")
    expect_equal({"a": 1}, {"a": 1}, "the data")
    assert expect_status(answer(b"", 202), 200, 202).status == 202
    with pytest.raises(CheckFailed) as failure:
        expect_status(answer(b"no", 500), 200, 202, detail="after a retry")
    assert failure.value.expected == "200 or 202 from getExport"
    assert failure.value.got.startswith("500 to GET")
    assert failure.value.detail == "after a retry"
    with pytest.raises(CheckFailed) as failure:
        expect_equal("x" * 1000, 1, "the progress")
    assert failure.value.expected == "the progress: 1"
    assert len(failure.value.got) < 400
