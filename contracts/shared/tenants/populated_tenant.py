"""What one organization has: one of everything with an id, and how to see that it is untouched."""

import itertools
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from contracts.shared.resources.digests import sha256_hex
from contracts.shared.tenants.operations import IdSlot
from harness.client import Organization, Record, Sample, Samples, together
from harness.expect import expect_status

UUID_TEXT = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
MALFORMED = "not-an-id"
MIN_MARK_LENGTH = 16
"""Of what somebody else has named: a shorter text may stand in anybody's answers."""


@dataclass(frozen=True, kw_only=True)
class PopulatedTenant:
    """An organization, and the ids of what it has."""

    org: Organization
    sample: Sample
    """The file of its evidence."""
    key: str
    """The idempotency key under which that file came."""
    values: Mapping[str, Sequence[Any]]
    """Ids by the kind of a slot; a target of a ledger event may be evidence or an export."""
    marks: frozenset[bytes] = field(repr=False)
    """What only this organization may ever be told."""

    def own_id_choices(self, slots: Sequence[IdSlot]) -> Iterator[dict[str, Any]]:
        """Each way to fill the slots with what is this organization's own."""
        kinds = [self.values.get(slot.kind, [str(uuid.uuid4())]) for slot in slots]
        for chosen in itertools.product(*kinds):
            yield dict(zip((slot.name for slot in slots), chosen, strict=True))

    def own_ids(self, slots: Sequence[IdSlot]) -> dict[str, Any]:
        """One way to fill the slots with what is this organization's own."""
        return next(self.own_id_choices(slots))

    async def state(self) -> dict[str, Any]:
        """Everything that its owner can see, the bytes of downloads as digests.

        Of an organization that others use as well: all about what is this tenant's.
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
        """The events of the ledger about this tenant's evidence and exports."""
        return await _events_about(self.org, self.values["target"])


async def populate(org: Organization, samples: Samples) -> PopulatedTenant:
    """Give an organization a job, evidence in it and a finished export of it."""
    job = await org.new_job(f"Job {uuid.uuid4()} of {org.name}")
    sample, key = samples.new(), f"shakedown-{uuid.uuid4()}"
    uploaded = await org.client.upload(job["id"], sample, key=key)
    evidence = expect_status(uploaded, 201).data
    export = await org.client.new_export(job["id"])
    export = await org.client.wait_for_export(export["id"])
    shown = await org.client.call("getManifest", path={"export_id": export["id"]})
    manifest = expect_status(shown, 200).document
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
            "event": [evidence["ledger_event_id"]],
            "target": targets,
            "manifest": [manifest],
            "organization": [org.id],
        },
        marks=marks_of([made, evidence, export, *events]) | _marks(org, sample),
    )


async def populate_all(
    organizations: Sequence[Organization], samples: Samples
) -> list[PopulatedTenant]:
    """Furnish several organizations at once."""
    tenants = await together(populate(org, samples) for org in organizations)
    return [
        _apart(tenant, [other for other in tenants if other is not tenant]) for tenant in tenants
    ]


def _apart(tenant: PopulatedTenant, others: Sequence[PopulatedTenant]) -> PopulatedTenant:
    """One person may be a user of several organizations: then the user's id is no mark."""
    users = {user.encode() for other in others for user in other.org.users.values()}
    return replace(tenant, marks=tenant.marks - users)


async def _events_about(org: Organization, targets: Sequence[str]) -> list[Record]:
    found = await together(org.client.ledger_events(target_id=target) for target in targets)
    return [event for events in found for event in events]


def absent(value: Any) -> Any:  # noqa: ANN401 - an id or a manifest
    """The same, but of something that nobody has: every id in it is another, a random one."""
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


def malformed(value: Any) -> Any:  # noqa: ANN401 - an id or a manifest
    """Something that is no id, or no manifest, at all."""
    return MALFORMED if isinstance(value, str) else [MALFORMED]


def marks_of(things: Sequence[Record]) -> frozenset[bytes]:
    """What nobody but the owner of these things may ever be told."""
    return frozenset(
        thing[name].encode()
        for thing in things
        for name in ("id", "title", "storage_path", "file_sha256", "manifest_hash", "hash")
        if isinstance(thing.get(name), str) and thing[name]
    )


def _marks(org: Organization, sample: Sample) -> frozenset[bytes]:
    named = [org.id, *org.users.values()]
    texts = [*(text for text in named if len(text) >= MIN_MARK_LENGTH), sample.sha256]
    # Every sample file carries a note of its own; 24 bytes of it are nobody else's.
    note = sample.content[sample.content.index(b"shakedown") :][:40]
    return frozenset([*(text.encode() for text in texts), note])
