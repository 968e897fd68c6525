"""Repeat every successful request as another tenant, who must not succeed."""

import json
from dataclasses import dataclass, field, replace
from uuid import uuid4

from contracts.conformance.breach import Breach
from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import ApiOperation, Document
from contracts.conformance.fuzzing.rules.names import FOREIGN
from contracts.conformance.fuzzing.sending import send
from harness.client import Answer, Organization

SPECIAL_HEADERS = ("x-evidence-deduplicated", "x-idempotency-replayed", "x-export-in-progress")


@dataclass(kw_only=True)
class OtherTenant:
    """A member of another organization than the one that is fuzzed."""

    org: Organization
    document: Document
    code_by_operation: dict[str, str | None] = field(default_factory=dict)
    """The error code for a random id, by operationId."""
    tried: int = 0

    async def violations(self, case: Case, answer: Answer) -> list[Breach]:
        """What is wrong with the other tenant's answer to a request that just succeeded."""
        operation = self.document.operations[case.operation_id]
        if answer.status >= 300 or operation.method != case.method:
            return []
        instance = (answer.instance + 1) % self.org.client.instances
        if not operation.path_ids:
            return await self._ids_in_query_or_body(case, instance)
        theirs = (await self._repeat(case, instance)).meant_as(404)
        got, about = "", ""
        if theirs.status != 404:
            about, got = "status", f"gets {theirs.status} for the same request, not 404"
        elif theirs.code != (code := await self._code_of_random_id(operation, case, instance)):
            about, got = "code", f"gets the code {theirs.code!r}, for a random id {code!r}"
        elif special := [name for name in SPECIAL_HEADERS if name in theirs.headers]:
            about, got = "headers", f"gets {', '.join(special)} with the 404"
        return _violation(got, theirs, about)

    async def _ids_in_query_or_body(self, case: Case, instance: int) -> list[Breach]:
        """Ids in a query or a body: the other tenant must see nothing of them."""
        got = ""
        if case.operation_id == "listLedgerEvents" and "target_id=" in case.target:
            theirs = await self._repeat(case, instance)
            if theirs.status < 300 and theirs.items:
                got = "sees the events"
        elif case.operation_id == "verifyManifest":
            theirs = await self._repeat(case, instance)
            names_export = "export_id" in json.loads(case.body or b"{}")
            if names_export and not theirs.is_a(404):
                got = "verifies the export"
            elif theirs.status < 300 and theirs.data["manifest_valid"] is not False:
                got = "gets manifest_valid: true for a foreign manifest"
        else:
            return []
        return _violation(got, theirs, "ids in query or body")

    async def _repeat(self, case: Case, instance: int) -> Answer:
        self.tried += 1
        return await send(self.org.client, case, instance=instance)

    async def _code_of_random_id(
        self, operation: ApiOperation, case: Case, instance: int
    ) -> str | None:
        if operation.id not in self.code_by_operation:
            unknown = _with_random_ids(operation, case)
            answer = await send(self.org.client, unknown, instance=instance)
            self.code_by_operation[operation.id] = answer.meant_as(404).code
        return self.code_by_operation[operation.id]


def _violation(got: str, answer: Answer, about: str) -> list[Breach]:
    what = f"a member of another organization {got}: {answer.describe()}"
    return [Breach(rule=FOREIGN, about=about, what=what)] if got else []


def _with_random_ids(operation: ApiOperation, case: Case) -> Case:
    """The same request with random ids."""
    values, query = operation.parse_target(case.target) or ({}, "")
    random = {
        name: str(uuid4()) if name in operation.path_ids else value
        for name, value in values.items()
    }
    return replace(case, target=operation.build_target(random, query))
