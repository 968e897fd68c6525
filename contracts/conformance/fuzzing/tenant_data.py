"""The data that a tenant has before fuzzing: jobs, evidence, and exports in every final state."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contracts.shared.resources.sealed_event import sealed_event_id
from harness.client import LIVE_STATES, TERMINAL_STATES, Organization, Record, Samples
from harness.errors import CheckFailed
from harness.expect import expect_status
from harness.system import System

FAILS_WITHIN_S = 15.0
"""How long an export whose file is missing may take to fail."""


@dataclass(kw_only=True)
class TenantData:
    """The jobs, evidence and exports of one tenant."""

    org: Organization
    jobs: list[Record] = field(default_factory=list)
    evidence: list[Record] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    """The ids of the events about its evidence."""
    exports: dict[str, list[str]] = field(default_factory=dict)
    """Ids by last known state."""

    @property
    def ids(self) -> Mapping[str, list[str]]:
        """Ids by the name of the parameter that takes them."""
        exports = [each for state in sorted(self.exports) for each in self.exports[state]]
        evidence = [each["id"] for each in self.evidence]
        return {
            "job_id": [each["id"] for each in self.jobs],
            "evidence_id": evidence,
            "export_id": exports,
            "event_id": self.events,
            "target_id": evidence + exports,
        }

    def find(self, operation_id: str, name: str, number: int) -> str:
        """The id for a slot; most downloads and retries get an export in the right state."""
        ready, failed = self.exports.get("ready"), self.exports.get("failed")
        if name == "export_id" and number % 4:
            if operation_id in ("downloadExport", "getManifest") and ready:
                return ready[number % len(ready)]
            if operation_id == "retryExport" and failed:
                return failed[number % len(failed)]
        ids = self.ids.get(name)
        if not ids:
            raise CheckFailed(expected=f"an id for {{{name}}}", got="no id of that kind")
        return ids[number % len(ids)]

    async def live_export(self, number: int) -> str:
        """A new export: still queued or preparing, unless the workers are very fast."""
        job = self.jobs[number % len(self.jobs)]
        types = self.org.client.export_types
        kind = types[number // 7 % len(types)]
        answer = await self.org.client.request_export(job["id"], kind)
        return str(expect_status(answer, 200, 202).data["id"])


async def create_tenant_data(org: Organization, samples: Samples, system: System) -> TenantData:
    """Create jobs, evidence, and exports: ready, canceled and, where possible, failed."""
    data = TenantData(org=org)
    client = org.client
    for number, files in enumerate((2, 1, 0)):
        job = await client.create_job(f"Fuzzing {number + 1}")
        data.jobs.append(job)
        for mime_type in ("image/png", "application/pdf")[:files]:
            evidence = await client.new_evidence(job["id"], samples.new(mime_type))
            data.evidence.append(evidence)
            data.events.append(await sealed_event_id(client, evidence))
    failing = await _failing_export(org, samples, system)
    first, second = data.jobs[:2]
    requested = [
        (await client.new_export(first["id"], export_type))["id"]
        for export_type in client.export_types
    ]
    canceled = (await client.new_export(second["id"], client.light_type))["id"]
    if client.has("cancelExport"):
        answer = await client.call("cancelExport", path={"export_id": canceled})
        expect_status(answer, 202, 409)  # 409 where a worker was faster
    for export_id in (*requested, canceled, *([failing] if failing else [])):
        export = await client.wait_for_export(
            export_id, states=TERMINAL_STATES, deadline_s=FAILS_WITHIN_S
        )
        data.exports.setdefault(export["state"], []).append(export_id)
    return data


async def create_tenants(
    organizations: tuple[Organization, Organization], samples: Samples, system: System
) -> tuple[TenantData, TenantData]:
    """Create the data of two tenants at the same time."""
    own, foreign = (create_tenant_data(org, samples, system) for org in organizations)
    return await asyncio.gather(own, foreign)


async def _failing_export(org: Organization, samples: Samples, system: System) -> str | None:
    """An export that must fail: its evidence file is deleted. None if we cannot delete files."""
    if system.target.storage is None or system.storage_dir is None:
        return None
    job = await org.new_job("Failing")
    evidence = await org.client.new_evidence(job["id"], samples.new("image/gif"))
    if not await asyncio.to_thread(
        delete_stored_file, system.storage_dir, evidence["storage_path"]
    ):
        return None
    export = await org.client.new_export(job["id"], "proof-pack")
    assert export["state"] in LIVE_STATES
    return str(export["id"])


def delete_stored_file(root: Path, storage_path: str) -> bool:
    """Delete a file below the storage directory; False if it is not there."""
    stored = (root / storage_path).resolve()
    if not stored.is_relative_to(root.resolve()) or not stored.is_file():
        return False
    stored.unlink()
    return True
