"""Small documents in the manner of public ones, and how much of a draft for each is right.

Each is written for one habit that real APIs have and the contract does not. The expected lines were
written from the document alone.
"""

import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from harness.init.checking import readable
from harness.init.draft import Draftsman
from harness.init.fetching import read_file
from harness.init.writing import Surroundings, written
from harness.target.document.api_document import contract_document
from tests.harness.init.documents import (
    ID,
    NUMBER,
    TEXT,
    TIME,
    answers,
    document,
    file_answer,
    many,
    takes,
    thing,
)
from tests.harness.init.scoring import Score, score

FILE = {"type": "string", "format": "binary"}


def asks(*names: str) -> dict[str, Any]:
    """The parameters of a query."""
    kinds = {"count": NUMBER, "page": NUMBER, "pagesize": NUMBER, "pageSize": NUMBER}
    return {
        "parameters": [
            {"name": name, "in": "query", "schema": kinds.get(name, TEXT)} for name in names
        ]
    }


# Binders of a law firm: verbs after a colon, things nested below each other, no uploads, no ledger,
# and a member of each list that is called after its things.
BINDER = thing(binderId=TEXT, name=TEXT, description=TEXT)
DELIVERY = thing(
    id=TEXT,
    binderId=TEXT,
    name=TEXT,
    createTime=TIME,
    query=thing(terms=TEXT, startTime=TIME),
    status={"type": "string", "enum": ["STATUS_UNSPECIFIED", "IN_PROGRESS", "COMPLETED", "FAILED"]},
)
LAW: Mapping[str, Any] = {
    "/v1/matters": {
        "get": {
            **answers(thing(matters=many(BINDER), nextPageToken=TEXT)),
            **asks("pageSize", "pageToken"),
        },
        "post": answers(BINDER, **takes(BINDER)),
    },
    "/v1/matters/{matterId}": {"get": answers(BINDER), "delete": answers(BINDER)},
    "/v1/matters/{matterId}:close": {"post": answers(thing(matter=BINDER))},
    "/v1/matters/{matterId}/exports": {
        "get": {
            **answers(thing(exports=many(DELIVERY), nextPageToken=TEXT)),
            **asks("pageSize", "pageToken"),
        },
        "post": answers(DELIVERY, **takes(DELIVERY)),
    },
    "/v1/matters/{matterId}/exports/{exportId}": {"get": answers(DELIVERY)},
    "/v1/{name}": {"get": answers(thing(name=TEXT, done={"type": "boolean"}))},
}
LAW_LINES = """
[contract]
absent = [
    "listEvidence", "getEvidence", "getEvidenceContent", "cancelExport", "retryExport",
    "downloadExport", "getManifest", "verifyManifest", "listLedgerEvents", "getLedgerEvent",
    "verifyLedgerEvent", "job.organization_id", "job.created_by", "job.created_at",
    "export.organization_id", "export.export_type", "export.progress", "export.attempt",
    "export.claimed_by",
    "export.heartbeat_at", "export.queue_position", "export.storage_path", "export.manifest",
    "export.manifest_hash", "export.error_code", "export.error_message", "export.started_at",
    "export.completed_at",
]
[contract.envelope]
data = ""
next_cursor = "/nextPageToken"
cursor = "pageToken"
limit = "pageSize"
[contract.operations]
createJob = { path = "/v1/matters", success = [200], send = { title = "/name" } }
listJobs = { path = "/v1/matters", envelope = { items = "/matters" } }
getJob = { path = "/v1/matters/{job_id}" }
listExports = { path = "/v1/matters/{job_id}/exports", envelope = { items = "/exports" } }
[contract.operations.requestExport]
path = "/v1/matters/{job_id}/exports"
success = [200]
send = { filters = "/query" }
[contract.fields.job]
id = "/binderId"
title = "/name"
[contract.fields.export]
job_id = "/binderId"
filters = "/query"
state = "/status"
created_at = "/createTime"
[contract.values.export.state]
preparing = "IN_PROGRESS"
ready = "COMPLETED"
failed = "FAILED"
"""

# A cabinet: names in capitals, a file's folder in the query, bytes below the file, users beside it.
FOLDER = thing(Id=ID, Name=TEXT, FileCount=NUMBER)
PAPER = thing(Id=ID, FolderId=ID, Name=TEXT, MimeType=TEXT, Size=NUMBER, CreatedDateUtc=TEXT)
CABINET: Mapping[str, Any] = {
    "/": {"get": answers(thing(hello=TEXT))},
    "/Folders": {
        "get": answers(many(FOLDER)),
        "post": answers(FOLDER, **takes(thing(Name=TEXT))),
    },
    "/Folders/{FolderId}": {"get": answers(FOLDER)},
    "/Files": {
        "get": {**answers(thing(Items=many(PAPER), Page=NUMBER)), **asks("page", "pagesize")},
        "post": {
            **answers(PAPER, 201, **takes(thing(body=FILE, filename=TEXT), "multipart/form-data")),
            **asks("FolderId"),
        },
    },
    "/Files/{FileId}": {"get": answers(PAPER), "delete": {"responses": {"204": {}}}},
    "/Files/{FileId}/Content": {"get": file_answer()},
    "/Users": {
        "get": answers(many(thing(Id=ID, Name=TEXT))),
        "post": answers(thing(Id=ID), 201, **takes(thing(Name=TEXT))),
    },
    "/Users/{UserId}": {"get": answers(thing(Id=ID, Name=TEXT))},
}
CABINET_LINES = """
[contract]
absent = [
    "listExports", "cancelExport", "retryExport", "downloadExport", "getManifest", "verifyManifest",
    "listLedgerEvents", "getLedgerEvent", "verifyLedgerEvent", "job.organization_id",
    "job.created_by", "job.created_at", "evidence.organization_id", "evidence.file_sha256",
    "evidence.state",
    "evidence.storage_path", "evidence.tag", "evidence.phase", "evidence.captured_at",
    "evidence.ledger_event_id",
]
[contract.without]
pages = ["listJobs"]
parameters = ["uploadEvidence.tag", "uploadEvidence.phase", "uploadEvidence.captured_at"]
[contract.envelope]
data = ""
limit = "pagesize"
[contract.operations]
createJob = { path = "/Folders", success = [200], send = { title = "/Name" } }
listJobs = { path = "/Folders", envelope = { items = "" } }
getJob = { path = "/Folders/{job_id}" }
uploadEvidence = { path = "/Files", send = { file = "body", job_id = "?FolderId" } }
listEvidence = { path = "/Files", envelope = { items = "/Items" } }
getEvidence = { path = "/Files/{evidence_id}" }
getEvidenceContent = { path = "/Files/{evidence_id}/Content" }
[contract.fields.job]
id = "/Id"
title = "/Name"
[contract.fields.evidence]
id = "/Id"
evidence_id = "/Id"
job_id = "/FolderId"
file_name = "/Name"
file_size = "/Size"
mime_type = "/MimeType"
created_at = "/CreatedDateUtc"
"""

# Scans: what the routes say is enough, the words are nobody's. Health is in a drawer of its own.
SESSION = thing(id=NUMBER, name=TEXT, user=TEXT, userId=NUMBER, created=NUMBER, lastUpdated=NUMBER)
SLICE = thing(id=NUMBER, seriesId=NUMBER, bodyPart=TEXT)
SCANS: Mapping[str, Any] = {
    "/import/sessions": {
        "get": {**answers(many(SESSION)), **asks("startindex", "count")},
        "post": answers(SESSION, 201, **takes(SESSION)),
    },
    "/import/sessions/{id}": {"get": answers(SESSION)},
    "/import/sessions/{id}/images": {
        "get": answers(many(SLICE)),
        "post": answers(SLICE, 201, **takes(thing(dataset=FILE), "multipart/form-data")),
    },
    "/metadata/images/{id}": {"get": answers(SLICE)},
    "/images": {"post": answers(SLICE, 201, **takes(thing(dataset=FILE), "multipart/form-data"))},
    "/boxes/{id}/images": {"get": answers(many(SLICE))},
    "/series": {"get": answers(many(thing(id=NUMBER, name=TEXT)))},
    "/series/{id}": {"get": answers(thing(id=NUMBER, name=TEXT))},
    "/system/health": {"get": answers()},
}
SCANS_LINES = """
[contract]
absent = [
    "listExports", "cancelExport", "retryExport", "downloadExport", "getManifest", "verifyManifest",
    "listLedgerEvents", "getLedgerEvent", "verifyLedgerEvent", "live", "metrics",
    "getEvidenceContent",
    "job.organization_id", "evidence.file_size", "evidence.mime_type", "evidence.file_sha256",
    "evidence.state", "evidence.storage_path", "evidence.tag", "evidence.phase",
    "evidence.captured_at", "evidence.created_at", "evidence.ledger_event_id",
]
[contract.without]
pages = ["listEvidence"]
parameters = ["uploadEvidence.tag", "uploadEvidence.phase", "uploadEvidence.captured_at"]
[contract.envelope]
data = ""
items = ""
limit = "count"
[contract.operations]
createJob = { path = "/import/sessions", send = { title = "/name" } }
listJobs = { path = "/import/sessions" }
getJob = { path = "/import/sessions/{job_id}" }
uploadEvidence = { path = "/import/sessions/{job_id}/images", send = { file = "dataset" } }
listEvidence = { path = "/import/sessions/{job_id}/images" }
getEvidence = { path = "/metadata/images/{evidence_id}" }
ready = { path = "/system/health" }
health = { path = "/system/health" }
[contract.fields.job]
title = "/name"
created_by = "/userId"
created_at = "/created"
[contract.fields.evidence]
evidence_id = "/id"
"""


def text_of(paths: Mapping[str, Any]) -> str:
    contract = contract_document()
    assert contract is not None
    made = Draftsman(read_file(contract).document).draft(document(paths), None)
    return readable(written(made, Surroundings(name="theirs", sources=[])))


def measured(paths: Mapping[str, Any], lines: str) -> Score:
    return score(text_of(paths), lines)


@pytest.mark.parametrize(
    ("paths", "lines"),
    [
        pytest.param(LAW, LAW_LINES, id="law"),
        pytest.param(CABINET, CABINET_LINES, id="cabinet"),
        pytest.param(SCANS, SCANS_LINES, id="scans"),
    ],
)
def test_nothing_is_wrong_and_most_is_right(paths: Mapping[str, Any], lines: str) -> None:
    result = measured(paths, lines)
    assert result.wrong == ()
    assert result.share >= 0.8, result.doubtful


WORK = thing(
    id=TEXT,
    name=TEXT,
    created_on=TIME,
    status={"type": "string", "enum": ["in_progress", "transcribed", "failed"]},
)
ACCOUNT = thing(id=ID, email=TEXT)


def test_jobs_that_a_service_works_on_are_no_jobs_that_hold_evidence() -> None:
    """The word is the contract's; what it has is a state of work, and nothing belongs to it."""
    paths = {
        "/jobs": {"get": answers(many(WORK)), "post": answers(WORK, **takes(thing(name=TEXT)))},
        "/jobs/{id}": {"get": answers(WORK), "delete": {"responses": {"204": {}}}},
        "/jobs/{id}/transcript": {"get": answers(thing(text=TEXT))},
    }
    lines = tomllib.loads(text_of(paths))["contract"]
    assert "operations" not in lines
    assert "listExports" not in lines.get("absent", ())


def test_users_hold_everything_and_are_no_jobs() -> None:
    order = thing(id=ID, user_id=ID, status=TEXT)
    paths = {
        "/users": {"get": answers(many(ACCOUNT)), "post": answers(ACCOUNT, 201)},
        "/users/{id}": {"get": answers(ACCOUNT)},
        "/history_exports": {"post": answers(order, 201, **takes(thing(user_id=ID)))},
        "/history_exports/{id}": {"get": answers(order)},
    }
    assert '"/users' not in text_of(paths)


def test_an_id_that_all_things_have_is_not_called_missing() -> None:
    """`account_id` is no word for a tenant, and may be one."""
    claim = thing(id=ID, account_id=ID, name=TEXT, created_at=TIME)
    photo = thing(id=ID, claim_id=ID, account_id=ID, filename=TEXT)
    form = takes(thing(file=FILE), "multipart/form-data")
    paths = {
        "/claims": {"get": answers(many(claim)), "post": answers(claim, 201)},
        "/claims/{id}": {"get": answers(claim)},
        "/claims/{id}/photos": {"get": answers(many(photo)), "post": answers(photo, 201, **form)},
        "/photos/{id}": {"get": answers(photo)},
    }
    absent = tomllib.loads(text_of(paths))["contract"]["absent"]
    assert "job.organization_id" not in absent
    assert "evidence.organization_id" not in absent


@pytest.mark.parametrize("path", ["/up", "/ping", "/healthz"])
def test_one_route_of_health_says_that_it_is_ready_whatever_it_is_called(path: str) -> None:
    lines = tomllib.loads(text_of({**SCANS, "/system/health": {}, path: {"get": answers()}}))
    assert lines["api"]["ready_path"] == path
    assert lines["contract"]["operations"]["ready"]["path"] == path
    assert "live" not in lines["contract"]["operations"]
    assert not {"live", "ready", "health"} & set(lines["contract"]["absent"])


def test_a_route_deep_among_tools_is_no_probe() -> None:
    tools = {f"/tools/{name}": {"get": answers()} for name in ("a", "b", "c", "d", "e", "f")}
    operations = tomllib.loads(
        text_of({**SCANS, **tools, "/tools/metrics": {"get": answers()}, "/reindex/status": {}})
    )["contract"]["operations"]
    assert "metrics" not in operations
    assert operations["health"]["path"] == "/system/health"
