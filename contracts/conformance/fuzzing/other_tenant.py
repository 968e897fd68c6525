"""What one tenant could do, another cannot: every success is tried again by a stranger."""

import json
from dataclasses import dataclass, field
from uuid import uuid4

from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import ApiOperation, Document
from contracts.conformance.fuzzing.sending import send
from harness.client import Answer, Organization

SPECIAL_HEADERS = ("x-evidence-deduplicated", "x-idempotency-replayed", "x-export-in-progress")


@dataclass(kw_only=True)
class OtherTenant:
    """Somebody of another organization, who has nothing to do with the tenant that is fuzzed."""

    org: Organization
    document: Document
    absent: dict[str, str | None] = field(default_factory=dict)
    """By operationId: the code with which a random id is answered."""
    tried: int = 0

    async def violations(self, case: Case, answer: Answer) -> list[str]:
        """What is wrong with what the stranger gets for the very request that just succeeded."""
        operation = self.document.operations[case.operation_id]
        if answer.status >= 300 or operation.method != case.method:
            return []
        instance = (answer.instance + 1) % self.org.client.instances
        if not operation.path_ids:
            return await self._named_elsewhere(case, instance)
        theirs = await send(self.org.client, case, instance=instance)
        self.tried += 1
        if theirs.status != 404:
            what = f"gets {theirs.status} for the same request, not 404"
            return [f"another organization's member {what}: {theirs.describe()}"]
        code = await self._code_of_absent(operation, case, instance)
        if theirs.code != code:
            what = f"is told {theirs.code!r}, where a random id is {code!r}"
            return [f"another organization's member {what}: {theirs.describe()}"]
        return [
            f"another organization's member gets {name} with the 404: {theirs.describe()}"
            for name in SPECIAL_HEADERS
            if name in theirs.headers
        ]

    async def _named_elsewhere(self, case: Case, instance: int) -> list[str]:
        """Somebody's things named in a query or a body: nothing of them may be seen."""
        if case.operation_id == "listLedgerEvents" and "target_id=" in case.target:
            theirs = await send(self.org.client, case, instance=instance)
            self.tried += 1
            seen = theirs.status < 300 and theirs.items
            return [f"another organization sees the events: {theirs.describe()}"] if seen else []
        if case.operation_id == "verifyManifest":
            theirs = await send(self.org.client, case, instance=instance)
            self.tried += 1
            named = "export_id" in json.loads(case.body or b"{}")
            if named and theirs.status != 404:
                return [f"another organization verifies the export: {theirs.describe()}"]
            valid = theirs.status < 300 and theirs.data["manifest_valid"] is not False
            return (
                [f"another organization's manifest is valid: {theirs.describe()}"] if valid else []
            )
        return []

    async def _code_of_absent(
        self, operation: ApiOperation, case: Case, instance: int
    ) -> str | None:
        if operation.id not in self.absent:
            unknown = _elsewhere(operation, case)
            answer = await send(self.org.client, unknown, instance=instance)
            self.absent[operation.id] = answer.code
        return self.absent[operation.id]


def _elsewhere(operation: ApiOperation, case: Case) -> Case:
    """The same request about things that nobody has."""
    values, query = operation.parse_target(case.target) or ({}, "")
    others = {
        name: str(uuid4()) if name in operation.path_ids else value
        for name, value in values.items()
    }
    plain = case.to_plain() | {"target": operation.build_target(others, query)}
    return Case.from_plain(plain)
