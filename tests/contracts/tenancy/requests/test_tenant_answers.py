"""Foreign and absent are told apart by what differs every time, and by nothing else."""

import itertools
import json
import uuid
from collections.abc import Callable, Mapping

import pytest

from contracts.shared.tenants.populated_tenant import unknown_id
from contracts.tenancy.requests.answer_comparison import Asked, expect_indistinguishable
from contracts.tenancy.requests.request_shapes import PreparedRequest
from contracts.tenancy.requests.unchanged import expect_unchanged, first_difference
from harness.client import Answer, Route
from harness.errors import CheckFailed

ROUTE = Route(operation_id="getJob", method="GET", template="/jobs/{job_id}")


def asking(
    answer: Callable[[str], tuple[int, Mapping[str, str], object]],
) -> Asked:
    async def asked() -> tuple[PreparedRequest, Answer]:
        path = f"/jobs/{uuid.uuid4()}"
        status, headers, body = answer(path)
        request = PreparedRequest(route=ROUTE, path=path, query={}, headers={}, content=None)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return request, Answer(
            operation_id="getJob", method="GET", path=path, instance=0,
            status=status, headers=headers, body=raw, elapsed_s=0.0,
        )  # fmt: skip

    return asked


def missing(path: str) -> tuple[int, Mapping[str, str], object]:
    return 404, {"Content-Type": "application/problem+json"}, {"code": "gone", "instance": path}


async def test_answers_that_differ_in_ids_only_are_alike() -> None:
    await expect_indistinguishable(asking(missing), asking(missing), "a foreign job")


async def test_what_differs_from_answer_to_answer_says_nothing() -> None:
    count = itertools.count()

    def counted(path: str) -> tuple[int, Mapping[str, str], object]:
        status, headers, body = missing(path)
        left = {"X-RateLimit-Remaining": str(1000 - next(count))}
        return status, {**headers, **left}, {**body, "trace": next(count)}  # type: ignore[dict-item]

    await expect_indistinguishable(asking(counted), asking(counted), "a foreign job")


@pytest.mark.parametrize(
    ("status", "headers", "body", "named"),
    [
        (403, {}, {"code": "gone"}, "status '404'"),
        (404, {"X-Owner": "other"}, {"code": "gone"}, "header x-owner (none)"),
        (404, {}, {"code": "not_yours"}, "body /code"),
        (404, {}, {"code": "gone", "errors": []}, "body /errors (none)"),
        (404, {}, b"<html>", "body"),
    ],
)
async def test_what_differs_every_time_is_named(
    status: int, headers: Mapping[str, str], body: object, named: str
) -> None:
    foreign = asking(lambda _path: (status, headers, body))
    random = asking(lambda _path: (404, {}, {"code": "gone"}))
    with pytest.raises(CheckFailed) as failed:
        await expect_indistinguishable(foreign, random, "a foreign job")
    assert named in failed.value.expected


async def test_a_difference_that_does_not_last_is_none() -> None:
    statuses = iter([503, 404, 404, 404])
    foreign = asking(lambda _path: (next(statuses), {}, {"code": "gone"}))
    random = asking(lambda _path: (404, {}, {"code": "gone"}))
    await expect_indistinguishable(foreign, random, "a foreign job")


def test_an_absent_manifest_is_the_same_with_other_ids() -> None:
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    manifest = {"export_id": one, "files": [{"name": f"evidence/{two}.png", "evidence_id": two}]}
    other = unknown_id(manifest)
    (file,) = other["files"]
    assert other["export_id"] not in {one, two}
    assert file["name"] == f"evidence/{file['evidence_id']}.png"
    assert two not in json.dumps(other)


def test_the_first_difference_is_named_by_its_place() -> None:
    before = {"a": [1, {"b": 2}], "c": 3}
    assert first_difference(before, {"a": [1, {"b": 2}], "c": 3}) is None
    assert first_difference(before, {"a": [1, {"b": 4}], "c": 3}) == ("/a/1/b", 2, 4)
    with pytest.raises(CheckFailed, match="jobs at /1"):
        expect_unchanged({"jobs": [1, 2]}, {"jobs": [1]}, after="that")
    with pytest.raises(CheckFailed, match="rows"):
        expect_unchanged({"jobs": [], "rows": []}, {"jobs": []}, after="that")
