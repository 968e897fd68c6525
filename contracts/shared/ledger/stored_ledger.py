"""The ledger's rows in the database, where a target gives access to it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import psycopg

from contracts.shared.ledger.canonical_json import NotStorable
from contracts.shared.ledger.forks import ASPECT, NO_FORK
from contracts.shared.ledger.hash_chain import (
    FORK,
    ChainViolation,
    StoredEvent,
    stored_event,
    violations,
)
from contracts.shared.ledger.hash_form import HashForm
from contracts.shared.ledger.ledger_order import (
    counts_in_each,
    has_one_sequence,
    places_by_column,
)
from contracts.shared.ledger.wrong_declaration import (
    fitting_forms,
    lines_of,
    linked_order,
    not_as_declared,
    ordering_columns,
)
from contracts.shared.resources.rule_ids import CHAIN_VALID
from harness.database import Database, Row
from harness.errors import CheckFailed, Inconclusive
from harness.evidence import Evidence, query_evidence
from harness.expect import expect
from harness.target.sql.ledger_table import LedgerTable
from harness.target.tables.ledger import Ledger

_TEXTS = ("organization_id", "actor_id", "event_name", "target_type", "target_id", "metadata")
_HASHES = ("prev_hash", "hash", "salt_key_id")


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
    """The table, its columns and what is hashed, from the target file."""

    @property
    def salts(self) -> Mapping[str, str]:
        """Secret salt by key ID."""
        return self.ledger.plain_salts

    @cached_property
    def table(self) -> LedgerTable:
        """The table, for SQL."""
        return LedgerTable(self.ledger)

    @cached_property
    def form(self) -> HashForm:
        """What is hashed of an event."""
        return HashForm.of(self.ledger)

    async def chain(
        self, organization_id: str, created_at_format: str | None = None
    ) -> list[StoredEvent]:
        """Give an organization's events, oldest first; their times as declared, or in a format."""
        table = self.table
        texts = ", ".join(f"{table.text(name)} AS {name}" for name in (*_TEXTS, *_HASHES))
        rows = await self.database.fetch(
            f"""
            SELECT to_jsonb({table.column("id")})::text AS id,
                   {table.place} AS ledger_seq,
                   to_char({table.column("created_at")} AT TIME ZONE 'UTC', %(form)s) AS created_at,
                   to_jsonb({table.column("canonical_version")})::text AS canonical_version,
                   {texts}
            FROM {table.name}
            WHERE {table.of()}
            ORDER BY {table.place}
            """,  # noqa: S608 - names of table and columns come from the target file
            {
                "organization_id": organization_id,
                "form": created_at_format or self.ledger.created_at_format,
            },
        )
        return [_event(row, self.form, self.ledger) for row in rows]

    async def unhashed_columns(self, organization_id: str) -> list[Row]:
        """Give the columns of an organization's rows that the hash need not cover, oldest first."""
        table = self.table
        return await self.database.fetch(
            f"""
            SELECT {table.text("id")} AS id, {table.place} AS ledger_seq,
                   {table.text("salt_key_id")} AS salt_key_id,
                   {table.text("canonical_version")} AS canonical_version,
                   {table.column("created_at")} AS created_at
            FROM {table.name}
            WHERE {table.of()}
            ORDER BY {table.place}
            """,  # noqa: S608 - names of table and columns come from the target file
            {"organization_id": organization_id},
        )

    async def canonical_from_backend(
        self, function: DatabaseFunction, event: StoredEvent, metadata: str
    ) -> str | None:
        """Give the backend's own canonical text of an event with other metadata."""
        table = self.table
        try:
            row = await self._canonical(function, event, metadata)
        except psycopg.errors.UndefinedFunction as error:
            if error.diag.context:  # raised inside the function: it is there, and is broken
                raise
            raise Inconclusive(
                f"the database has no function {function.name} that takes a row of {table.name}: "
                "write its name into [ledger] canonical_function, or leave that out"
            ) from error
        canonical: str | None = row["canonical"]
        return canonical

    async def _canonical(
        self, function: DatabaseFunction, event: StoredEvent, metadata: str
    ) -> Row:
        table = self.table
        return await function.database.fetch_one(
            f"""
            SELECT {function.name}(jsonb_populate_record(
                shakedown_row, jsonb_build_object(%(column)s::text, %(metadata)s::jsonb)
            )) AS canonical
            FROM {table.name} AS shakedown_row
            WHERE {table.column("id")} = %(id)s
            """,  # noqa: S608 - names of function, table and columns come from the target file
            {
                "column": self.ledger.columns.metadata.strip('"'),
                "metadata": metadata,
                "id": event.id,
            },
        )

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
        found = violations(events, self.salts, self.ledger.chain)
        if found and (wrong := await self._wrong_declaration(organization_id, events, found)):
            raise not_as_declared(*wrong, detail)
        for violation in found:
            raise CheckFailed(
                expected=f"{violation.expected} [organization {organization_id}]",
                got=violation.got,
                detail="\n".join(filter(None, [detail, self._hint(violation.got)])),
                rule=NO_FORK if violation.field == FORK else CHAIN_VALID,
                subject=violation.field,
                aspect=ASPECT if violation.field == FORK else None,
                evidence=(self.rows_evidence(organization_id, events, violation.ledger_seq),),
            )
        if self.ledger.sequence == "global":
            await self._expect_one_sequence(organization_id)
        return events

    async def _wrong_declaration(
        self, organization_id: str, events: Sequence[StoredEvent], found: Sequence[ChainViolation]
    ) -> tuple[str, Sequence[str], str] | None:
        """Say how the ledger verifies, by which lines, and which keys are wrong; None: it does not.

        Only what is a whole chain, and every hash of it right, in another declaration.
        """
        broken = {violation.field for violation in found}
        every = f"all {len(events)} events of the organization {organization_id}"
        if broken == {"hash"}:
            forms = await fitting_forms(
                self.ledger, self.salts, lambda times: self.chain(organization_id, times)
            )
            return (f"{every} verify in another form", *lines_of(forms)) if forms else None
        if broken == {"ledger_seq"} and self.ledger.sequence == "per-organization":
            if not await has_one_sequence(self.database, self.table):
                return None
            how = f"{every} verify, and one sequence numbers the events of all organizations"
            return how, ['sequence = "global"'], "sequence"
        linked = linked_order(events, self.ledger.genesis)
        if self.ledger.chain.is_numbered or linked is None:
            return None
        if not all(event.has_right_hash(self.salts) for event in linked):
            return None
        places = await places_by_column(self.database, self.table, organization_id)
        lines = [f"order_by = {json.dumps(each)}" for each in ordering_columns(linked, places)]
        how = f"{every} verify in the order of their links, which is that of other columns"
        return (how, lines, "order_by") if lines else None

    def _hint(self, got: str) -> str:
        if "(a gap)" not in got:
            return ""
        return 'if numbers of events may be missing, say sequence = "gaps" in [ledger]'

    async def _expect_one_sequence(self, organization_id: str) -> None:
        """Fail where an event of another organization has a number of this one's."""
        table, number = self.table, self.table.column("ledger_seq")
        rows = await self.database.fetch(
            f"""
            SELECT {number} AS ledger_seq, count(*) AS events FROM {table.name}
            GROUP BY {number} HAVING count(*) > 1 AND bool_or({table.of()})
            ORDER BY {number} LIMIT 1
            """,  # noqa: S608 - names of table and columns come from the target file
            {"organization_id": organization_id},
        )
        if rows and await counts_in_each(self.database, self.table):
            how = "each organization counts its events 1, 2, 3 …"
            raise not_as_declared(how, ['sequence = "per-organization"'], "sequence")
        for row in rows:
            raise CheckFailed(
                expected="a number of its own for each event of all organizations, as [ledger] "
                'sequence = "global" says',
                got=f"{row['events']} events with the number {row['ledger_seq']}; if each "
                'organization has numbers of its own, with gaps, say "gaps"',
                rule=CHAIN_VALID,
                subject="ledger_seq",
            )

    def rows_evidence(
        self, organization_id: str, events: Sequence[StoredEvent], ledger_seq: int
    ) -> Evidence:
        """Show the rows at this place of the chain and the one before it."""
        table = self.table
        places = [event.ledger_seq for event in events]
        before = max((place for place in places if place < ledger_seq), default=ledger_seq)
        shown = [event for event in events if event.ledger_seq in (before, ledger_seq)]
        rows = (
            {
                "id": event.id,
                "ledger_seq": event.ledger_seq,
                "prev_hash": event.prev_hash,
                "hash": event.hash,
                **event.fields,
                "metadata": event.metadata,
            }
            for event in shown
        )
        one_of = (
            f"{table.column('ledger_seq')} IN ({before}, {ledger_seq})"
            if self.ledger.chain.is_numbered
            else f"{table.text('id')} IN ({', '.join(repr(event.id) for event in shown)})"
        )
        return query_evidence(
            "rows of the ledger",
            f"SELECT * FROM {table.name} "  # noqa: S608 - to be read
            f"WHERE {table.column('organization_id')} = '{organization_id}' AND {one_of}",
            rows,
        )


def _event(row: Row, form: HashForm, ledger: Ledger) -> StoredEvent:
    """An event that can be hashed; fail where a row of the ledger is none."""
    about = f"the row about {row['target_type'] or 'the thing'} {row['target_id']}"
    expect(
        row["ledger_seq"] is not None,
        expected=f"a number in ledger_seq of {about} of the ledger",
        got="NULL",
        rule=CHAIN_VALID,
        subject="ledger_seq",
    )
    event = stored_event(row, form, only_key=ledger.only_key)
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
