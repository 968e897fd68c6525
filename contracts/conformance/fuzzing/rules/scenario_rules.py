"""What a successful answer in a scenario must contain, given the answers before it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.conformance.breach import Breach
from contracts.conformance.fuzzing.document import ApiOperation
from contracts.conformance.fuzzing.export_states import ALLOWED, IN_ORDER, ExportStates
from contracts.conformance.fuzzing.links import Step
from contracts.conformance.fuzzing.rules.names import FOREIGN, RETRY
from contracts.conformance.fuzzing.tenant_data import delete_stored_file
from contracts.shared.exports.archive import unpack
from contracts.shared.resources.digests import expect_repr_digest
from harness.client import LIVE_STATES
from harness.untrusted.spelling import by_value

CONSISTENT, ONE_LIVE, LIVE_HEADER = (
    "answer.consistent",
    "export.one-live",
    "header.export-in-progress",
)
SENTENCES: dict[str, str] = {
    ALLOWED: "what a state allows",
    IN_ORDER: "states in order",
    CONSISTENT: "the requested thing",
    ONE_LIVE: "one live export",
    LIVE_HEADER: "X-Export-In-Progress",
    "verify.event": "verification of events",
    "verify.manifest": "verification of manifests",
    "manifest.shown": "the manifest",
    "export.archive": "the ZIP",
    "evidence.describes-file": "the evidence's job",
    "document.links": "links of the document",
}
"""What answers are judged by beside the sentences for every request."""

_OF_ONE_THING = {
    "getJob": "job_id",
    "getEvidence": "evidence_id",
    "getExport": "export_id",
    "getLedgerEvent": "event_id",
    "cancelExport": "export_id",
    "retryExport": "export_id",
}

_STATES_AFTER: Mapping[str, frozenset[str]] = {
    "cancelExport": frozenset({"canceled"}),
    "retryExport": LIVE_STATES,
}


@dataclass(kw_only=True)
class ScenarioState:
    """What a scenario knows so far; later answers must agree with it."""

    organization_id: str
    exports: ExportStates
    delete_below: Path | None
    """The directory of stored files: the first evidence file is deleted, so that exports fail."""
    deleted: str = ""
    """The evidence whose file was deleted."""


async def success_violations(
    scenario: ScenarioState, step: Step, operation: ApiOperation
) -> list[Breach]:
    """Check a success against the scenario so far, and record what it shows.

    Raises `CheckFailed` where a shared helper finds a violation.
    """
    answer = step.answer
    if answer.is_redirect:
        return []  # the bytes are at its address, and judged by other checks
    if operation.id == "downloadExport" and answer.status == 200:
        expect_repr_digest(answer)
        has_manifest = "manifest.json" in unpack(answer)
        return (
            [] if has_manifest else [_breach("manifest.shown", "", "the ZIP has no manifest.json")]
        )
    if operation.id == "getEvidenceContent" and answer.status == 200:
        expect_repr_digest(answer)
    if not operation.secured or answer.headers.get("content-type", "")[:16] != "application/json":
        return []
    document = answer.json
    data = document.get("data") if isinstance(document, dict) else None
    values = _path_values(operation, step)
    violations = _foreign_violations(data, scenario.organization_id)
    wanted = values.get(_OF_ONE_THING.get(operation.id, ""))
    if wanted is not None and isinstance(data, dict) and data.get("id") != wanted:
        what = f"it shows {data.get('id')}, requested was {wanted}"
        violations.append(_breach(CONSISTENT, "id", what))
    if isinstance(data, list) and "job_id" in values:
        others = {str(item.get("job_id")) for item in data} - {values["job_id"]}
        what = f"the list of job {values['job_id']} shows items of jobs {others}"
        violations += [_breach(CONSISTENT, "job_id of a list", what)] if others else []
    if operation.id == "uploadEvidence" and isinstance(data, dict):
        violations += await _uploaded(scenario, data, values)
    if operation.id == "verifyLedgerEvent" and isinstance(data, dict):
        parts = ("hash_matches", "prev_hash_valid", "chain_ok")
        violations += [
            _breach("verify.event", part, f"{part} is not true")
            for part in parts
            if data.get(part) is not True
        ]
    if operation.id == "verifyManifest" and isinstance(data, dict):
        violations += _verified(scenario, step, data)
    if isinstance(data, dict) and "export_type" in data:
        violations += _export_violations(scenario, step, operation, data, values)
    return violations


def _path_values(operation: ApiOperation, step: Step) -> dict[str, str]:
    apart = operation.parse_target(step.case.target)
    return apart[0] if apart else {}


def _foreign_violations(data: Any, organization_id: str) -> list[Breach]:  # noqa: ANN401 - JSON
    shown = data if isinstance(data, list) else [data]
    owners = {
        str(each["organization_id"])
        for each in shown
        if isinstance(each, dict) and "organization_id" in each
    }
    others = owners - {organization_id}
    what = f"it shows data of another organization, {', '.join(others)}"
    return [_breach(FOREIGN, "organization_id", what)] if others else []


def _breach(rule: str, about: str, what: str) -> Breach:
    return Breach(rule=rule, about=about, what=what)


async def _uploaded(
    scenario: ScenarioState, data: Mapping[str, Any], values: Mapping[str, str]
) -> list[Breach]:
    if scenario.delete_below is not None and not scenario.deleted:
        scenario.deleted = str(data.get("id"))
        path = str(data.get("storage_path"))
        await asyncio.to_thread(delete_stored_file, scenario.delete_below, path)
    if data.get("job_id") != values.get("job_id"):
        what = f"the evidence is of job {data.get('job_id')}, uploaded to {values.get('job_id')}"
        return [_breach("evidence.describes-file", "job_id", what)]
    return []


def _verified(scenario: ScenarioState, step: Step, data: Mapping[str, Any]) -> list[Breach]:
    """Whether the server verifies manifests that exist, and only those."""
    body = json.loads(step.case.body or b"{}", object_pairs_hook=by_value)
    state = scenario.exports.known.get(str(body.get("export_id")))
    parts = ("manifest_valid", "export_match", "ledger_match")
    if scenario.deleted or "manifest" in body or state is None or state in LIVE_STATES:
        return []
    wanted = state == "ready"
    return [
        _breach(
            "verify.manifest",
            f"{part} of an export that is {state}",
            f"{part} is {data.get(part)} for an export that is {state}",
        )
        for part in parts
        if data.get(part) is not wanted
    ]


def _export_violations(
    scenario: ScenarioState,
    step: Step,
    operation: ApiOperation,
    data: Mapping[str, Any],
    values: Mapping[str, str],
) -> list[Breach]:
    export_id, status, state = str(data.get("id")), step.answer.status, data.get("state")
    violations: list[Breach] = []
    after = _STATES_AFTER.get(operation.id)
    if after is not None and state not in after:
        what = f"{operation.id} succeeded, but the export is {state}"
        violations.append(_breach(ALLOWED, "state after success", what))
    if operation.id == "requestExport":
        violations += [
            _breach(CONSISTENT, name, f"its {name} is {data.get(name)}, not {values.get(name)}")
            # A document of the backend's own may ask for the type elsewhere than in the path.
            for name in ("job_id", "export_type")
            if name in values and data.get(name) != values[name]
        ]
        is_known = export_id in scenario.exports.known
        if status == 202 and is_known:
            what = "it is 202 with an existing export"
            violations.append(_breach(ONE_LIVE, "existing export", what))
        is_marked = step.answer.flag("x-export-in-progress")
        if status == 200 and not is_marked and not step.answer.lacks_header("x-export-in-progress"):
            violations.append(_breach(LIVE_HEADER, "", "it is 200 without X-Export-In-Progress"))
        if status == 200 and not is_known:
            what = "it is 200 with an export that was never requested"
            violations.append(_breach(ONE_LIVE, "unknown export", what))
    is_live = operation.id == "getExport" and state in LIVE_STATES
    waits = step.answer.headers.get("retry-after") or step.answer.lacks_header("retry-after")
    if is_live and not waits:
        what = "the export is queued or preparing, but Retry-After is missing"
        violations.append(_breach(RETRY, "a live export", what))
    return violations + scenario.exports.record(operation.id, export_id, dict(data))
