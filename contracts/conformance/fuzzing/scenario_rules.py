"""What a successful answer in a scenario must contain, given the answers before it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.conformance.fuzzing.document import ApiOperation
from contracts.conformance.fuzzing.export_states import ExportStates
from contracts.conformance.fuzzing.links import Step
from contracts.conformance.fuzzing.tenant_data import delete_stored_file
from contracts.shared.exports.archive import unpack
from contracts.shared.resources.digests import expect_repr_digest
from harness.client import LIVE_STATES
from harness.untrusted.spelling import by_value

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
) -> list[str]:
    """Check a success against the scenario so far, and record what it shows.

    Raises `CheckFailed` where a shared helper finds a violation.
    """
    answer = step.answer
    if operation.id == "downloadExport" and answer.status == 200:
        expect_repr_digest(answer)
        return [] if "manifest.json" in unpack(answer) else ["the ZIP has no manifest.json"]
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
        violations.append(f"it shows {data.get('id')}, requested was {wanted}")
    if isinstance(data, list) and "job_id" in values:
        others = {str(item.get("job_id")) for item in data} - {values["job_id"]}
        violations += (
            [f"the list of job {values['job_id']} shows items of jobs {others}"] if others else []
        )
    if operation.id == "uploadEvidence" and isinstance(data, dict):
        violations += await _uploaded(scenario, data, values)
    if operation.id == "verifyLedgerEvent" and isinstance(data, dict):
        parts = ("hash_matches", "prev_hash_valid", "chain_ok")
        violations += [f"{part} is not true" for part in parts if data.get(part) is not True]
    if operation.id == "verifyManifest" and isinstance(data, dict):
        violations += _verified(scenario, step, data)
    if isinstance(data, dict) and "export_type" in data:
        violations += _export_violations(scenario, step, operation, data, values)
    return violations


def _path_values(operation: ApiOperation, step: Step) -> dict[str, str]:
    apart = operation.parse_target(step.case.target)
    return apart[0] if apart else {}


def _foreign_violations(data: Any, organization_id: str) -> list[str]:  # noqa: ANN401 - JSON
    shown = data if isinstance(data, list) else [data]
    owners = {
        str(each["organization_id"])
        for each in shown
        if isinstance(each, dict) and "organization_id" in each
    }
    others = owners - {organization_id}
    return [f"it shows data of another organization, {', '.join(others)}"] if others else []


async def _uploaded(
    scenario: ScenarioState, data: Mapping[str, Any], values: Mapping[str, str]
) -> list[str]:
    if scenario.delete_below is not None and not scenario.deleted:
        scenario.deleted = str(data.get("id"))
        path = str(data.get("storage_path"))
        await asyncio.to_thread(delete_stored_file, scenario.delete_below, path)
    if data.get("job_id") != values.get("job_id"):
        return [f"the evidence is of job {data.get('job_id')}, uploaded to {values.get('job_id')}"]
    return []


def _verified(scenario: ScenarioState, step: Step, data: Mapping[str, Any]) -> list[str]:
    """Whether the server verifies manifests that exist, and only those."""
    body = json.loads(step.case.body or b"{}", object_pairs_hook=by_value)
    state = scenario.exports.known.get(str(body.get("export_id")))
    parts = ("manifest_valid", "export_match", "ledger_match")
    if scenario.deleted or "manifest" in body or state is None or state in LIVE_STATES:
        return []
    wanted = state == "ready"
    return [
        f"{part} is {data.get(part)} for an export that is {state}"
        for part in parts
        if data.get(part) is not wanted
    ]


def _export_violations(
    scenario: ScenarioState,
    step: Step,
    operation: ApiOperation,
    data: Mapping[str, Any],
    values: Mapping[str, str],
) -> list[str]:
    violations, export_id, status = [], str(data.get("id")), step.answer.status
    after = _STATES_AFTER.get(operation.id)
    if after is not None and data.get("state") not in after:
        violations.append(f"{operation.id} succeeded, but the export is {data.get('state')}")
    if operation.id == "requestExport":
        violations += [
            f"its {name} is {data.get(name)}, requested was {values.get(name)}"
            for name in ("job_id", "export_type")
            if data.get(name) != values.get(name)
        ]
        if status == 202 and export_id in scenario.exports.known:
            violations.append("it is 202 with an existing export")
        if status == 200 and not step.answer.flag("x-export-in-progress"):
            violations.append("it is 200 without X-Export-In-Progress")
        if status == 200 and export_id not in scenario.exports.known:
            violations.append("it is 200 with an export that was never requested")
    is_live = operation.id == "getExport" and data.get("state") in LIVE_STATES
    if is_live and not step.answer.headers.get("retry-after"):
        violations.append("the export is queued or preparing, but Retry-After is missing")
    return violations + scenario.exports.record(operation.id, export_id, dict(data))
