"""A tenant with one of everything, and the texts by which its data would be known elsewhere."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from harness.client import Organization, Samples
from harness.expect import expect_status


@dataclass(frozen=True, kw_only=True)
class SqlTenant:
    """What one organization has."""

    id: str
    """The organization's own id."""
    ids: Mapping[str, str]
    """By kind: `organization`, `job`, `evidence`, `export`, `event`."""
    marks: frozenset[str]
    """Texts by which what nobody else may see would be known, the ids among them."""


async def furnish(organization: Organization, samples: Samples) -> SqlTenant:
    """Give an organization a job, evidence and an export that is ready: nothing moves any more."""
    client = organization.client
    title = f"Title {uuid.uuid4()}"
    job = await organization.new_job(title)
    evidence = await client.new_evidence(job["id"], samples.new())
    requested = await client.new_export(job["id"])
    export = await client.wait_for_export(requested["id"])
    events = expect_status(await client.call("listLedgerEvents"), 200).items
    ids = {
        "organization": organization.id,
        "job": job["id"],
        "evidence": evidence["id"],
        "export": export["id"],
        "event": evidence["ledger_event_id"],
    }
    texts = [
        *ids.values(),
        *organization.users.values(),
        *(event["hash"] for event in events),
        title,
        evidence["file_sha256"],
        evidence["storage_path"],
        export["manifest_hash"],
    ]
    return SqlTenant(
        id=organization.id,
        ids={kind: str(value) for kind, value in ids.items()},
        marks=frozenset(str(text) for text in texts if text),
    )
