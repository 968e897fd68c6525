"""What a successful answer on a walk must say, given what the walk did before."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.conformance.fuzzing.document import ApiOperation
from contracts.conformance.fuzzing.export_states import ExportStates
from contracts.conformance.fuzzing.links import Step
from contracts.shared.exports.archive import unpack
from contracts.shared.resources.digests import expect_repr_digest
from harness.client import LIVE_STATES

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
    """What a walk learned so far, which later answers must agree with."""

    organization_id: str
    exports: ExportStates
    spoil_below: Path | None
    """Where the objects are: this walk removes that of its first evidence, so exports fail."""
    spoiled: str = ""
    """The evidence whose object was removed."""


async def success_violations(
    scenario: ScenarioState, step: Step, operation: ApiOperation
) -> list[str]:
    """Judge the success by the walk so far, and let the walk learn from it.

    Raises `CheckFailed` for what other checks' helpers find.
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
        violations.append(f"it shows {data.get('id')}, asked for {wanted}")
    if isinstance(data, list) and "job_id" in values:
        others = {str(item.get("job_id")) for item in data} - {values["job_id"]}
        violations += (
            [f"the list of job {values['job_id']} shows things of {others}"] if others else []
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
    return [f"it shows things of another organization, {', '.join(others)}"] if others else []


async def _uploaded(
    scenario: ScenarioState, data: Mapping[str, Any], values: Mapping[str, str]
) -> list[str]:
    if scenario.spoil_below is not None and not scenario.spoiled:
        scenario.spoiled = str(data.get("id"))
        path = scenario.spoil_below / str(data.get("storage_path"))
        await asyncio.to_thread(_remove, path, scenario.spoil_below)
    if data.get("job_id") != values.get("job_id"):
        return [f"the evidence is of job {data.get('job_id')}, uploaded to {values.get('job_id')}"]
    return []


def _remove(path: Path, below: Path) -> None:
    if path.resolve().is_relative_to(below.resolve()):
        path.unlink(missing_ok=True)


def _verified(scenario: ScenarioState, step: Step, data: Mapping[str, Any]) -> list[str]:
    """The server's verdict about what it stored itself, and about what it has not made yet."""
    asked = json.loads(step.case.body or b"{}")
    state = scenario.exports.known.get(str(asked.get("export_id")))
    parts = ("manifest_valid", "export_match", "ledger_match")
    if scenario.spoiled or "manifest" in asked or state is None or state in LIVE_STATES:
        return []
    wanted = state == "ready"
    return [
        f"{part} is {data.get(part)} of an export that is {state}"
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
        violations.append(f"{operation.id} succeeded, and the export is {data.get('state')}")
    if operation.id == "requestExport":
        violations += [
            f"its {name} is {data.get(name)}, asked for {values.get(name)}"
            for name in ("job_id", "export_type")
            if data.get(name) != values.get(name)
        ]
        if status == 202 and export_id in scenario.exports.known:
            violations.append("it is 202 with an export that was there before")
        if status == 200 and not step.answer.flag("x-export-in-progress"):
            violations.append("it is 200 without X-Export-In-Progress")
        if status == 200 and export_id not in scenario.exports.known:
            violations.append("it is 200 with an export that nobody requested")
    if operation.id == "getExport" and data.get("state") in LIVE_STATES:
        violations += _without_wait(step)
    return violations + scenario.exports.record(operation.id, export_id, dict(data))


def _without_wait(step: Step) -> list[str]:
    wait = step.answer.headers.get("retry-after")
    return [] if wait else ["the export is live, and there is no Retry-After"]
