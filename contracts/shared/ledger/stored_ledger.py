"""The ledger's rows in the database, where a target gives access to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.shared.ledger.canonical_json import NotStorable
from contracts.shared.ledger.hash_chain import StoredEvent, stored_event, violations
from contracts.shared.resources.rule_ids import CHAIN_VALID
from harness.database import Database, Row
from harness.errors import CheckFailed, Inconclusive
from harness.evidence import Evidence, query_evidence
from harness.expect import expect
from harness.target.models import Ledger


@dataclass(frozen=True, kw_only=True)
class DatabaseFunction:
    """A function of the backend's database, with a connection that may call it."""

    database: Database
    name: str


@dataclass(frozen=True, kw_only=True)
class StoredLedger:
    """The ledger that a target describes, in one database."""

    database: Database
    ledger: Ledger
    """The table, its columns and the format of its times, from the target file."""

    @property
    def salts(self) -> Mapping[str, str]:
        """Secret salt by key ID."""
        return {key_id: salt.get_secret_value() for key_id, salt in self.ledger.salts.items()}

    async def chain(self, organization_id: str) -> list[StoredEvent]:
        """Give an organization's events, oldest first."""
        named = self.ledger.columns
        rows = await self.database.fetch(
            f"""
            SELECT {named.ledger_seq} AS ledger_seq,
                   {named.organization_id}::text AS organization_id,
                   {named.actor_id}::text AS actor_id,
                   {named.event_name}::text AS event_name,
                   {named.target_type}::text AS target_type,
                   {named.target_id}::text AS target_id,
                   to_char({named.created_at} AT TIME ZONE 'UTC', %(form)s) AS created_at,
                   {named.metadata}::text AS metadata,
                   {named.prev_hash}::text AS prev_hash,
                   {named.hash}::text AS hash,
                   {named.salt_key_id}::text AS salt_key_id
            FROM {self.ledger.table}
            WHERE {named.organization_id} = %(organization_id)s::uuid
            ORDER BY {named.ledger_seq}
            """,  # noqa: S608 - names of table and columns come from the target file
            {"organization_id": organization_id, "form": self.ledger.created_at_format},
        )
        return [_event(row) for row in rows]

    async def unhashed_columns(self, organization_id: str) -> list[Row]:
        """Give the columns of an organization's rows that the hash does not cover, oldest first."""
        named = self.ledger.columns
        return await self.database.fetch(
            f"""
            SELECT {named.id}::text AS id, {named.ledger_seq} AS ledger_seq,
                   {named.salt_key_id}::text AS salt_key_id,
                   {named.canonical_version} AS canonical_version,
                   {named.created_at} AS created_at
            FROM {self.ledger.table}
            WHERE {named.organization_id} = %(organization_id)s::uuid
            ORDER BY {named.ledger_seq}
            """,  # noqa: S608 - names of table and columns come from the target file
            {"organization_id": organization_id},
        )

    async def canonical_from_backend(
        self, function: DatabaseFunction, event: StoredEvent, metadata: str
    ) -> str | None:
        """Give the backend's own canonical text of an event with other metadata."""
        named = self.ledger.columns
        row = await function.database.fetch_one(
            f"""
            SELECT {function.name}(jsonb_populate_record(
                shakedown_row, jsonb_build_object(%(column)s::text, %(metadata)s::jsonb)
            )) AS canonical
            FROM {self.ledger.table} AS shakedown_row
            WHERE {named.organization_id} = %(organization_id)s::uuid
              AND {named.ledger_seq} = %(ledger_seq)s
            """,  # noqa: S608 - names of function, table and columns come from the target file
            {
                "column": named.metadata,
                "metadata": metadata,
                "organization_id": event.fields["organization_id"],
                "ledger_seq": event.ledger_seq,
            },
        )
        canonical: str | None = row["canonical"]
        return canonical

    async def expect_valid_chain(
        self, organization_id: str, *, detail: str = ""
    ) -> list[StoredEvent]:
        """Fail unless every hash and link of the chain is right; give its events.

        The harness computes everything itself from the stored columns and the salt.
        """
        events = await self.chain(organization_id)
        unknown = {event.salt_key_id for event in events if event.salt_key_id} - set(self.salts)
        if unknown:
            raise Inconclusive(
                f"the target file lacks salts: rows of {self.ledger.table} use {sorted(unknown)}, "
                f"[ledger.salts] has {sorted(self.salts)}"
            )
        for violation in violations(events, self.salts):
            raise CheckFailed(
                expected=f"{violation.expected} [organization {organization_id}]",
                got=violation.got,
                detail=detail,
                rule=CHAIN_VALID,
                subject=violation.field,
                evidence=(self.rows_evidence(organization_id, events, violation.ledger_seq),),
            )
        return events

    def rows_evidence(
        self, organization_id: str, events: Sequence[StoredEvent], ledger_seq: int
    ) -> Evidence:
        """Show the rows with this number and the one before it."""
        named = self.ledger.columns
        wanted = (ledger_seq - 1, ledger_seq)
        rows = (
            {
                "ledger_seq": event.ledger_seq,
                "prev_hash": event.prev_hash,
                "hash": event.hash,
                **event.fields,
                "metadata": event.metadata,
            }
            for event in events
            if event.ledger_seq in wanted
        )
        return query_evidence(
            "rows of the ledger",
            f"SELECT * FROM {self.ledger.table} "  # noqa: S608 - to be read
            f"WHERE {named.organization_id} = '{organization_id}' "
            f"AND {named.ledger_seq} IN {wanted}",
            rows,
        )


def _event(row: Row) -> StoredEvent:
    """An event that can be hashed; fail where a row of the ledger is none."""
    about = f"the row about {row['target_type']} {row['target_id']}"
    expect(
        row["ledger_seq"] is not None,
        expected=f"a number in ledger_seq of {about} of the ledger",
        got="NULL",
        rule=CHAIN_VALID,
        subject="ledger_seq",
    )
    event = stored_event(row)
    try:
        event.canonical()
    except NotStorable as error:
        raise CheckFailed(
            expected=f"JSON as the metadata of {event.name}",
            got=f"{row['metadata']!r}: {error}",
            rule=CHAIN_VALID,
            subject="metadata",
        ) from error
    return event
