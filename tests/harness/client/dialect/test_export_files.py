"""What exports hold, read in the contract's names and said in the backend's again."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

import contracts
from harness.client.answers.answer import Answer
from harness.client.dialect import Dialect
from harness.client.dialect.export_files import ExportFileMap
from harness.client.routes import load_routes
from harness.target.contract.dialect import Contract

CONTRACT = Contract.model_validate(
    {
        "envelope": {"data": ""},
        "archive": {"manifest": "index.json", "ledger": "journal.json"},
        "fields": {
            "export": {"manifest": "/index"},
            "ledger_line": {"ledger_seq": "/number", "hash": "/seal"},
            "manifest": {"export_id": "/bundle", "files": "/entries", "ledger_head": "/head"},
            "manifest_file": {"name": "/path", "size": "/bytes"},
            "manifest_head": {"ledger_seq": "/number", "hash": "/seal"},
        },
    }
)
FILES = ExportFileMap(CONTRACT)

THEIRS: dict[str, Any] = {
    "bundle": "b-1",
    "entries": [
        {"path": "files/a.png", "bytes": 3, "sha256": "ab"},
        {"path": "journal.json", "bytes": 5, "sha256": "cd"},
    ],
    "head": {"number": 7, "seal": "ef", "more": True},
    "kept": {"bytes": 1},
}
OURS: dict[str, Any] = {
    "export_id": "b-1",
    "files": [
        {"name": "files/a.png", "size": 3, "sha256": "ab"},
        {"name": "ledger.json", "size": 5, "sha256": "cd"},
    ],
    "ledger_head": {"ledger_seq": 7, "hash": "ef", "more": True},
    "kept": {"bytes": 1},
}


@pytest.fixture(scope="module")
def dialect() -> Dialect:
    routes = load_routes(Path(contracts.__path__[0]) / "openapi.yaml")
    found = Dialect.of(CONTRACT, routes)
    assert found is not None
    return found


def seen(dialect: Dialect, name: str, body: bytes) -> Answer:
    route = dialect.routes[name]
    answer = Answer(
        operation_id=name,
        method=route.method,
        path=route.template,
        instance=0,
        status=200,
        headers=CIMultiDict({"content-type": "application/json"}),
        body=body,
        elapsed_s=0,
    )
    return dialect.answer(route, answer)


def test_a_manifest_is_read_and_said_again() -> None:
    before = copy.deepcopy(THEIRS)
    assert FILES.contract_manifest(THEIRS) == OURS
    assert FILES.backend_manifest(OURS) == THEIRS
    assert before == THEIRS


@pytest.mark.parametrize(
    ("change", "theirs"),
    [
        (lambda said: said["files"][0].update(size=4), {"path": "files/a.png", "bytes": 4}),
        (lambda said: said["files"][0].update(more=1), {"path": "files/a.png", "more": 1}),
        (lambda said: said["files"][0].update(name="ledger.json"), {"path": "journal.json"}),
    ],
)
def test_a_change_in_the_contracts_words_is_one_of_the_backends(change: Any, theirs: Any) -> None:  # noqa: ANN401
    forged = copy.deepcopy(OURS)
    change(forged)
    file = FILES.backend_manifest(forged)["entries"][0]
    assert {name: file[name] for name in theirs} == theirs


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_json | st.dictionaries(st.sampled_from(["bundle", "entries", "head", "kept"]), _json))
def test_whatever_is_filed_comes_back_as_it_was(document: Any) -> None:  # noqa: ANN401
    assert FILES.backend_manifest(FILES.contract_manifest(document)) == document


def test_no_two_files_of_an_archive_become_one() -> None:
    names = ["index.json", "manifest.json", "journal.json", "ledger.json", "files/x"]
    said = [FILES.name(name) for name in names]
    assert said == ["manifest.json", "index.json", "ledger.json", "journal.json", "files/x"]
    assert [FILES.name(name) for name in said] == names


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("/entries/0/bytes", "/files/0/size"),
        ("$.entries[12].path", "$.files[12].name"),
        ("head.number", "ledger_head.ledger_seq"),
        ("/number", "/number"),
        ("/kept/bytes", "/kept/bytes"),
        ("/entries/0/more/bytes", "/files/0/more/bytes"),
        ("", ""),
    ],
)
def test_a_path_into_a_manifest_is_the_contracts(theirs: str, ours: str) -> None:
    assert FILES.contract_path(theirs) == ours


def test_the_bytes_of_a_manifest_are_kept_for_its_digest(dialect: Dialect) -> None:
    body = json.dumps(THEIRS, indent=1).encode()
    answer = seen(dialect, "getManifest", body)
    assert answer.document == OURS
    assert answer.sent.body == body
    assert answer.dialect.backend_manifest(answer.document) == THEIRS
    assert answer.sent.document == THEIRS


def test_the_manifest_within_an_export_is_read_alike(dialect: Dialect) -> None:
    answer = seen(dialect, "getExport", json.dumps({"id": "b-1", "index": THEIRS}).encode())
    assert answer.data == {"id": "b-1", "manifest": OURS}


def test_a_manifest_that_is_submitted_is_the_backends(dialect: Dialect) -> None:
    body = json.dumps({"manifest": OURS, "export_id": "b-1"}).encode()
    kind = {"content-type": "application/json"}
    path = dialect.routes["verifyManifest"].template
    sent = dialect.request(dialect.routes["verifyManifest"], path, None, kind, body)
    assert isinstance(sent.body, bytes)
    assert json.loads(sent.body) == {"manifest": THEIRS, "export_id": "b-1"}


def test_names_of_verified_files_and_events_that_are_filed(dialect: Dialect) -> None:
    body = (
        b'{"files": [{"name": "journal.json", "ok": true}, 7],'
        b' "mismatches": [{"path": "/entries/0/bytes", "got": 1}, null]}'
    )
    answer = seen(dialect, "verifyManifest", body)
    assert answer.data["files"] == [{"name": "ledger.json", "ok": True}, 7]
    assert answer.data["mismatches"] == [{"path": "/files/0/size", "got": 1}, None]
    names = seen(dialect, "downloadExport", b"PK").dialect
    assert names.contract_file_name("index.json") == "manifest.json"
    assert names.contract_event({"number": 1, "seal": "x", "what": "y"}) == {
        "ledger_seq": 1,
        "hash": "x",
        "what": "y",
    }


def test_without_such_tables_not_a_byte_is_touched() -> None:
    routes = load_routes(Path(contracts.__path__[0]) / "openapi.yaml")
    plain = Dialect.of(Contract.model_validate({"envelope": {"data": ""}}), routes)
    assert plain is not None
    body = b'{ "files": [] }'
    assert seen(plain, "getManifest", body).body == body
