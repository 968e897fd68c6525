"""Writing to tenant tables in a request's role: rows for others, and rows of others."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.tenancy.catalog import Column, Relation
from contracts.tenancy.catalog.text_search import quoted_column
from contracts.tenancy.sql.request_sql import Claims, Connection, Outcome, acting, attempt
from harness.expect import expect

WITHOUT_TRIGGERS = "SET LOCAL session_replication_role = replica"
"""What lets a statement meet privileges and policies alone; foreign keys are triggers, too."""


@dataclass(frozen=True, kw_only=True)
class Writer:
    """Tries to write as a request of one organization would; every try is undone."""

    connection: Connection
    role: str
    claims: Claims
    asked: str
    """How a message speaks of the claims."""
    mine: str
    theirs: str

    async def expect_kept_out(
        self, relation: Relation, organization: Column, own: Mapping[str, Any], stored: int
    ) -> list[str]:
        """Fail if anything of another organization can be written; give what was tried.

        `own` is a row of the writer's organization, which has `stored` of them.
        """
        privileges = relation.granted.get(self.role, frozenset())
        tried = []
        if "INSERT" in privileges:
            await self._insert(relation, organization, own)
            tried.append("INSERT")
        if "UPDATE" in privileges:
            await self._move(relation, organization)
            await self._update_blindly(relation, organization, own, stored)
            tried.append("UPDATE")
        if "DELETE" in privileges:
            await self._delete_blindly(relation, stored)
            tried.append("DELETE")
        return tried

    async def _insert(
        self, relation: Relation, organization: Column, own: Mapping[str, Any]
    ) -> None:
        """A row like one's own, but another organization's."""
        row = {**own, organization.name: self.theirs}
        for column in relation.columns:
            if column.name == "id" and column.type == "uuid":
                row["id"] = str(uuid.uuid4())
        columns = ", ".join(
            quoted_column(column.name)
            for column in relation.columns_open_to(self.role, "INSERT")
            if not column.computed
        )
        outcome = await self._try(
            f"INSERT INTO {relation.name} ({columns}) "  # noqa: S608 - quoted by the server
            f"SELECT {columns} FROM jsonb_populate_record(NULL::{relation.name}, %s::jsonb)",
            [json.dumps(row)],
        )
        self._expect_refused(
            outcome, f"a row of another organization inserted into {relation.name}"
        )

    async def _move(self, relation: Relation, organization: Column) -> None:
        """All that one may update, given to another organization.

        Without a condition: with one, policies for SELECT would have to let the new row pass, too.
        """
        if not organization.open_to(self.role, "UPDATE"):
            return
        outcome = await self._try(
            f"UPDATE {relation.name} "  # noqa: S608 - quoted by the server
            f"SET {quoted_column(organization.name)} = %s::{organization.type}",
            [self.theirs],
        )
        self._expect_refused(outcome, f"a row of {relation.name} moved to another organization")

    async def _update_blindly(
        self, relation: Relation, organization: Column, own: Mapping[str, Any], stored: int
    ) -> None:
        """Every row there is, without a condition: then only UPDATE's own policies are asked."""
        columns = relation.columns_open_to(self.role, "UPDATE")
        columns.sort(key=lambda column: column.name != organization.name)
        for column in columns:
            name, value = quoted_column(column.name), own.get(column.name)
            outcome = await self._try(
                f"UPDATE {relation.name} "  # noqa: S608 - as above
                f"SET {name} = (jsonb_populate_record(NULL::{relation.name}, %s::jsonb)).{name}",
                [json.dumps({column.name: value})],
            )
            # To one's own rows the organization is no news, so no constraint could object.
            if outcome.met_a_constraint and column.name != organization.name:
                continue
            self._expect_own_at_most(outcome, f"UPDATE of every row of {relation.name}", stored)
            return

    async def _delete_blindly(self, relation: Relation, stored: int) -> None:
        what = f"DELETE of every row of {relation.name}"
        statement = f"DELETE FROM {relation.name}"  # noqa: S608 - as above
        outcome = await self._try(statement)
        if outcome.met_a_constraint:  # one's own rows may be referenced
            outcome = await self._try(statement, before=WITHOUT_TRIGGERS)
        self._expect_own_at_most(outcome, what, stored)

    async def _try(
        self, statement: str, parameters: list[object] | None = None, *, before: str = "SELECT"
    ) -> Outcome:
        async with self.connection.transaction(force_rollback=True):
            await self.connection.execute(before)
            async with acting(self.connection, self.role, self.claims):
                return await attempt(self.connection, statement, parameters)

    def _expect_refused(self, outcome: Outcome, what: str) -> None:
        done = outcome.error is None and outcome.affected > 0
        expect(
            not done and not outcome.met_a_constraint,
            expected=f"{self.role} with {self.asked} to be refused {what}",
            got="it was let" if done else f"policies let it through to {outcome.describe()}",
        )

    def _expect_own_at_most(self, outcome: Outcome, what: str, stored: int) -> None:
        expect(
            not outcome.met_a_constraint and outcome.affected <= stored,
            expected=f"{self.role} with {self.asked} to reach no more than its {stored} own rows "
            f"with {what}",
            got=outcome.describe(),
        )
