import json
from dataclasses import replace
from typing import Any

import pytest

from contracts.manifest.verify_manifest import (
    ALL_TRUE,
    expect_mismatch,
    expect_mismatch_at,
    expect_only_bad_file,
    expect_untampered,
)
from contracts.shared.resources.flags import expect_flags
from harness.client import Answer
from harness.client.answers.record import ResourceDialect
from harness.errors import CheckFailed

FIELDS = {"files": [], "filters": {}, "export_id": ""}
PATH = ("files", 0, "size")


def answer(*paths: str, ok: bool = True, **more: Any) -> Answer:  # noqa: ANN401 - any JSON
    data = {
        **ALL_TRUE,
        "files": [
            {"name": "a", "ok": ok, "reason": None},
            {"name": "b", "ok": True, "reason": None},
        ],
        "mismatches": [{"path": path, "expected": 1, "got": 2} for path in paths],
        **more,
    }
    return Answer(
        operation_id="verifyManifest", method="POST", path="/", instance=0, status=200, headers={},
        body=json.dumps({"data": data}).encode(), elapsed_s=0.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "manifest/files/0/size", "$.files[0].size", "files[0].size", "/files/0", "files",
        "files/a/size", "manifest_hash", "manifest", "",
    ],
)  # fmt: skip
def test_a_change_may_be_named_in_many_ways(path: str) -> None:
    expect_mismatch_at(answer(path), PATH, FIELDS, "it")
    expect_mismatch_at(answer("filters/x", path), PATH, FIELDS, "it") if "files" in path else None


@pytest.mark.parametrize("path", ["filters/phase", "manifest/files/0/sha256", "export_id"])
def test_pointing_elsewhere_is_no_name(path: str) -> None:
    with pytest.raises(CheckFailed, match="files/0/size"):
        expect_mismatch_at(answer(path), PATH, FIELDS, "it")


def test_a_change_of_the_whole_manifest_may_be_found_anywhere() -> None:
    expect_mismatch_at(answer("filters/phase"), (), FIELDS, "it")


def test_a_file_that_is_not_ok_is_a_name() -> None:
    expect_mismatch(answer(ok=False), "it")
    with pytest.raises(CheckFailed):
        expect_mismatch(answer(), "it")


@pytest.mark.parametrize("mismatches", ["text", ["text"], [{"path": "x"}], [{"path": 1}], None])
def test_odd_mismatches_fail_and_do_not_crash(mismatches: object) -> None:
    with pytest.raises(CheckFailed):
        expect_mismatch(answer(mismatches=mismatches), "it")


def test_all_well_and_one_bad_file() -> None:
    expect_untampered(answer(), "it")
    expect_only_bad_file(answer(ok=False), "a", "it")
    for wrong in (answer(ok=False), answer("files")):
        with pytest.raises(CheckFailed):
            expect_untampered(wrong, "it")
    for name in ("b", "c"):
        with pytest.raises(CheckFailed):
            expect_only_bad_file(answer(ok=False), name, "it")


def test_flags_are_booleans() -> None:
    with pytest.raises(CheckFailed, match="export_match"):
        expect_flags(answer(export_match="true"), ALL_TRUE, "it")


@pytest.mark.parametrize("absent", [{"mismatches", "files"}, {"mismatches"}, {"files"}])
def test_what_the_backend_does_not_show_need_not_tell_the_change(absent: set[str]) -> None:
    dialect = ResourceDialect(resource="manifest_verification", absent_fields=frozenset(absent))
    shown = {name: each for name, each in answer().data.items() if name not in absent}
    silent = replace(
        answer(), dialect=dialect, body=json.dumps({"data": {**shown, "mismatches": []}}).encode()
    )
    if "mismatches" in absent:
        silent = replace(silent, body=json.dumps({"data": shown}).encode())
    expect_mismatch(silent, "it")
    expect_mismatch_at(silent, PATH, FIELDS, "it")
    with pytest.raises(CheckFailed):
        expect_mismatch(answer(), "it")
