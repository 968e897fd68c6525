"""What one tenant could do, another cannot: every success is tried again with a stranger's token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from contracts.fuzzing.case import Case
from contracts.fuzzing.document import Document, Operation
from contracts.fuzzing.sending import send
from harness.client import Answer, Organisation

SPECIAL_HEADERS = ("x-evidence-deduplicated", "x-idempotency-replayed", "x-export-in-progress")


@dataclass(kw_only=True)
class Stranger:
    """Somebody of another organisation, who has nothing to do with the tenant that is fuzzed."""

    org: Organisation
    document: Document
    absent: dict[str, str | None] = field(default_factory=dict)
    """By operationId: the code with which a random id is answered."""
    tried: int = 0

    async def faults(self, case: Case, answer: Answer) -> list[str]:
        """What is wrong with what the stranger gets for the very request that just succeeded."""
        operation = self.document.operations[case.operation_id]
        if answer.status >= 300 or operation.method != case.method or not operation.path_ids:
            return []
        instance = (answer.instance + 1) % self.org.client.instances
        theirs = await send(self.org.client, case, instance=instance)
        self.tried += 1
        if theirs.status != 404:
            return [
                f"another organisation's member gets {theirs.status} for the same request, not 404: "
                f"{theirs.describe()}"
            ]
        code = await self._code_of_absent(operation, case, instance)
        if theirs.code != code:
            return [
                f"another organisation's member is told {theirs.code!r}, where a random id is "
                f"{code!r}: {theirs.describe()}"
            ]
        return [
            f"another organisation's member gets {name} with the 404: {theirs.describe()}"
            for name in SPECIAL_HEADERS
            if name in theirs.headers
        ]

    async def _code_of_absent(self, operation: Operation, case: Case, instance: int) -> str | None:
        if operation.id not in self.absent:
            unknown = _elsewhere(operation, case)
            answer = await send(self.org.client, unknown, instance=instance)
            self.absent[operation.id] = answer.code
        return self.absent[operation.id]


def _elsewhere(operation: Operation, case: Case) -> Case:
    """The same request about things that nobody has."""
    path, _, query = case.target.partition("?")
    found = operation.pattern.fullmatch(path)
    values: Mapping[str, str] = found.groupdict() if found else {}
    target = operation.template
    for name, value in values.items():
        target = target.replace(
            "{" + name + "}", str(uuid4()) if name in operation.path_ids else value
        )
    plain = case.to_plain() | {"target": f"{target}?{query}" if query else target}
    return Case.from_plain(plain)
