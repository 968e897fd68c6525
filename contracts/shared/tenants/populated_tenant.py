"""A test tenant: an organization that owns one of everything that has an ID."""

import itertools
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from contracts.shared.exports.stored_manifest import stored_manifest
from contracts.shared.resources.digests import sha256_hex
from contracts.shared.resources.sealed_event import sealed_event_id
from contracts.shared.tenants.operations import IdSlot
from harness.client import Organization, Record, Sample, Samples, together
from harness.expect import expect_status

UUID_TEXT = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
MALFORMED = "not-an-id"
MIN_MARKER_LENGTH = 16
"""Of texts that the harness did not choose: shorter ones may be in any answer by chance."""


@dataclass(frozen=True, kw_only=True)
class PopulatedTenant:
    """An organization, and the IDs of what it owns."""

    org: Organization
    sample: Sample
    """The file of its evidence."""
    key: str
    """The idempotency key of its upload."""
    values: Mapping[str, Sequence[Any]]
    """IDs by kind (`operations.KINDS`); a target of a ledger event is evidence or an export."""
    markers: frozenset[bytes] = field(repr=False)
    """Texts that no answer to another organization may contain."""

    def own_id_choices(self, slots: Sequence[IdSlot]) -> Iterator[dict[str, Any]]:
        """Every way to fill the slots with this organization's own IDs."""
        kinds = [self.values.get(slot.kind, [str(uuid.uuid4())]) for slot in slots]
        for chosen in itertools.product(*kinds):
            yield dict(zip((slot.name for slot in slots), chosen, strict=True))

    def own_ids(self, slots: Sequence[IdSlot]) -> dict[str, Any]:
        """One way to fill the slots with this organization's own IDs."""
        return next(self.own_id_choices(slots))

    async def state(self) -> dict[str, Any]:
        """Everything that its owner can see, with digests of downloads.

        Where other clients use the organization too: only what this tenant made.
        """
        owner = self.org.as_role(self.org.roles[0])
        job = {"job_id": self.values["job"][0]}
        evidence = {"evidence_id": self.values["evidence"][0]}
        exports = [{"export_id": one} for one in self.values["export"]]
        content = expect_status(await owner.call("getEvidenceContent", path=evidence), 200)
        downloads = [
            expect_status(await owner.call("downloadExport", path=export), 200)
            for export in exports
        ]
        alone = self.org.is_fresh
        shown = None if alone else expect_status(await owner.call("getJob", path=job), 200)
        return {
            "jobs": await owner.listed("listJobs") if shown is None else [shown.data],
            "evidence": await owner.listed("listEvidence", path=job),
            "exports": await owner.listed("listExports", path=job),
            "ledger": await (owner.ledger_events() if alone else self.events()),
            "content of evidence": sha256_hex(content.body),
            "downloads of exports": [sha256_hex(download.body) for download in downloads],
        }

    async def events(self) -> list[Record]:
        """The ledger events of this tenant's evidence and exports."""
        return await _events_about(self.org, self.values["target"])


async def populate(org: Organization, samples: Samples) -> PopulatedTenant:
    """Give an organization a job with evidence and a finished export."""
    job = await org.new_job(f"Job {uuid.uuid4()} of {org.name}", may_hold_more=True)
    sample, key = samples.new(), f"shakedown-{uuid.uuid4()}"
    uploaded = await org.client.upload(job["id"], sample, key=key)
    evidence = expect_status(uploaded, 201).data
    export = await org.client.new_export(job["id"])
    export = await org.client.wait_for_export(export["id"])
    manifest = (await stored_manifest(org.client, export["id"])).document
    targets = [evidence["id"], export["id"]]
    events = await (org.client.ledger_events() if org.is_fresh else _events_about(org, targets))
    made = Record(job, title=None) if job["id"] == org.given_job else job
    return PopulatedTenant(
        org=org,
        sample=sample,
        key=key,
        values={
            "job": [job["id"]],
            "evidence": [evidence["id"]],
            "export": [export["id"]],
            "event": [await sealed_event_id(org.client, evidence)],
            "target": targets,
            "manifest": [manifest],
            "organization": [org.id],
        },
        markers=markers_of([made, evidence, export, *events]) | _own_markers(org, sample),
    )


async def populate_all(
    organizations: Sequence[Organization], samples: Samples
) -> list[PopulatedTenant]:
    """Populate several organizations at the same time."""
    tenants = await together(populate(org, samples) for org in organizations)
    return [
        _without_shared_users(tenant, [other for other in tenants if other is not tenant])
        for tenant in tenants
    ]


def _without_shared_users(
    tenant: PopulatedTenant, others: Sequence[PopulatedTenant]
) -> PopulatedTenant:
    """A user of several organizations is no marker of one of them."""
    users = {user.encode() for other in others for user in other.org.users.values()}
    return replace(tenant, markers=tenant.markers - users)


async def _events_about(org: Organization, targets: Sequence[str]) -> list[Record]:
    found = await together(org.client.ledger_events(target_id=target) for target in targets)
    return [event for events in found for event in events]


def unknown_id(value: Any) -> Any:  # noqa: ANN401 - an id or a manifest
    """The same value with random IDs, of something that no organization has."""
    if isinstance(value, str):
        return str(uuid.uuid4())
    known: dict[str, str] = {}

    def replaced(given: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(given, str):
            return UUID_TEXT.sub(
                lambda found: known.setdefault(found[0].lower(), str(uuid.uuid4())), given
            )
        if isinstance(given, Mapping):
            return {name: replaced(member) for name, member in given.items()}
        return [replaced(each) for each in given] if isinstance(given, list) else given

    return replaced(value)


def malformed_id(value: Any) -> Any:  # noqa: ANN401 - an id or a manifest
    """A value that has not even the form of an ID, or of a manifest."""
    return MALFORMED if isinstance(value, str) else [MALFORMED]


def markers_of(records: Sequence[Record]) -> frozenset[bytes]:
    """Texts from these records that no answer to another organization may contain."""
    return frozenset(
        text.encode()
        for record in records
        for name in ("id", "title", "storage_path", "file_sha256", "manifest_hash", "hash")
        if isinstance(text := record.get(name), str) and text  # those that there are
    )


def _own_markers(org: Organization, sample: Sample) -> frozenset[bytes]:
    named = [org.id, *org.users.values()]
    texts = [*(text for text in named if len(text) >= MIN_MARKER_LENGTH), sample.sha256]
    # Every sample file has a unique note; its first 40 bytes identify the file.
    note = sample.content[sample.content.index(b"shakedown") :][:40]
    return frozenset([*(text.encode() for text in texts), note])
