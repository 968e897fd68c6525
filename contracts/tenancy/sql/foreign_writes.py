"""Write to tenant tables in a request's role: rows of other organizations must be refused."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.tenancy.catalog.model import Column, Relation
from contracts.tenancy.catalog.text_search import quoted_column
from contracts.tenancy.sql.request_sql import Actor, Outcome, attempt
from harness.expect import expect

WITHOUT_TRIGGERS = "SET LOCAL session_replication_role = replica"
"""Disables triggers, and so foreign keys: only privileges and policies are left."""


@dataclass(frozen=True)
class Writer:
    """Tries to write as an actor; every attempt is rolled back."""

    actor: Actor
    theirs: str
    """The id of the other organization."""

    async def expect_kept_out(
        self, relation: Relation, organization: Column, own: Mapping[str, Any], stored: int
    ) -> list[str]:
        """Fail if a row of another organization can be written; return the commands tried.

        `own` is one of the actor's `stored` own rows.
        """
        privileges = relation.granted.get(self.actor.role, frozenset())
        tried = []
        if "INSERT" in privileges:
            await self._insert(relation, organization, own)
            tried.append("INSERT")
        if "UPDATE" in privileges:
            await self._move(relation, organization)
            await self._update_all(relation, organization, own, stored)
            tried.append("UPDATE")
        if "DELETE" in privileges:
            await self._delete_all(relation, stored)
            tried.append("DELETE")
        return tried

    async def _insert(
        self, relation: Relation, organization: Column, own: Mapping[str, Any]
    ) -> None:
        """Insert a row like an own one, but of another organization."""
        row = {**own, organization.name: self.theirs}
        for column in relation.columns:
            if column.name == "id" and column.type == "uuid":
                row["id"] = str(uuid.uuid4())
        columns = ", ".join(
            quoted_column(column.name)
            for column in relation.columns_open_to(self.actor.role, "INSERT")
            if not column.computed
        )
        outcome = await self._try(
            f"INSERT INTO {relation.name} ({columns}) "  # noqa: S608 - quoted by the server
            f"SELECT {columns} FROM jsonb_populate_record(NULL::{relation.name}, %s::jsonb)",
            [json.dumps(row)],
        )
        self._expect_refused(outcome, f"INSERT of another organization's row into {relation.name}")

    async def _move(self, relation: Relation, organization: Column) -> None:
        """Give every row to another organization.

        Without WHERE: with it, policies for SELECT would also be checked.
        """
        if not organization.open_to(self.actor.role, "UPDATE"):
            return
        outcome = await self._try(
            f"UPDATE {relation.name} "  # noqa: S608 - quoted by the server
            f"SET {quoted_column(organization.name)} = %s::{organization.type}",
            [self.theirs],
        )
        self._expect_refused(outcome, f"UPDATE of {relation.name} to another organization")

    async def _update_all(
        self, relation: Relation, organization: Column, own: Mapping[str, Any], stored: int
    ) -> None:
        """Update every row, without WHERE: then only policies for UPDATE are checked."""
        columns = relation.columns_open_to(self.actor.role, "UPDATE")
        columns.sort(key=lambda column: column.name != organization.name)
        for column in columns:
            name, value = quoted_column(column.name), own.get(column.name)
            outcome = await self._try(
                f"UPDATE {relation.name} "  # noqa: S608 - as above
                f"SET {name} = (jsonb_populate_record(NULL::{relation.name}, %s::jsonb)).{name}",
                [json.dumps({column.name: value})],
            )
            # Setting the organization of own rows changes nothing, so no constraint can fail.
            if outcome.met_a_constraint and column.name != organization.name:
                continue
            self._expect_own_at_most(outcome, f"UPDATE of all rows of {relation.name}", stored)
            return

    async def _delete_all(self, relation: Relation, stored: int) -> None:
        statement = f"DELETE FROM {relation.name}"  # noqa: S608 - as above
        outcome = await self._try(statement)
        if outcome.met_a_constraint:  # own rows may be referenced
            outcome = await self._try(statement, before=WITHOUT_TRIGGERS)
        self._expect_own_at_most(outcome, f"DELETE of all rows of {relation.name}", stored)

    async def _try(
        self, statement: str, parameters: list[object] | None = None, *, before: str = "SELECT"
    ) -> Outcome:
        connection = self.actor.connection
        async with connection.transaction(force_rollback=True):
            await connection.execute(before)
            async with self.actor.acting():
                return await attempt(connection, statement, parameters)

    def _expect_refused(self, outcome: Outcome, what: str) -> None:
        done = outcome.error is None and outcome.affected > 0
        expect(
            not done and not outcome.met_a_constraint,
            expected=f"{self.actor} to be refused the {what}",
            got="it was done"
            if done
            else f"policies allowed it, a constraint did not: {outcome.describe()}",
        )

    def _expect_own_at_most(self, outcome: Outcome, what: str, stored: int) -> None:
        expect(
            not outcome.met_a_constraint and outcome.affected <= stored,
            expected=f"{self.actor} to affect at most its {stored} own rows with {what}",
            got=outcome.describe(),
        )
