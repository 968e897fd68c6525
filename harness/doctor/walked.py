"""What the walk has made and seen so far: each step adds to it for those that come after."""

import time
from dataclasses import dataclass, field

from harness.client import Answer, Organization, Organizations, Record, Sample
from harness.client.http.signed_lifetime import lifetime_of
from harness.doctor.advice import Advice
from harness.doctor.noticed import Noticed
from harness.errors import CheckFailed, Inconclusive
from harness.findings.exchanges import Exchange
from harness.target import Target
from harness.target.document.api_document import contract_document, words_of

Seen = tuple[str, Advice | None]
"""What was seen, and what to write where that is no failure but a difference."""


@dataclass(kw_only=True)
class Walked:
    """What is known of one backend, and what was made on it."""

    target: Target
    organizations: Organizations
    org: Organization | None = None
    job: Record | None = None
    evidence: Record | None = None
    sample: Sample | None = None
    """The file that was uploaded as `evidence`."""
    key: str | None = None
    """Its Idempotency-Key."""
    export: Record | None = None
    is_ready: bool = False
    states: list[str] = field(default_factory=list)
    """The states of the export, in the order in which they were seen."""
    took_s: float = 0.0
    """From its request until it was ready."""
    event: Record | None = None
    """The last event of the ledger."""
    lives_s: int | None = None
    """For how long the address works that a download was redirected to, if it says so."""
    shown: list[Exchange] = field(default_factory=list)
    """The requests that show the result of the step, where it is not its last one."""
    noticed: Noticed = field(init=False)

    def __post_init__(self) -> None:
        document = contract_document()
        assert document is not None, "the contract's document comes with the checks"
        self.noticed = Noticed(contract=self.target.contract, words=words_of(document))

    def have_org(self) -> Organization:
        """Give the organization to ask as. `Inconclusive` without one."""
        if self.org is None:
            raise Inconclusive("there is no token that the backend takes")
        return self.org

    def expect_success(self, answer: Answer, *statuses: int) -> None:
        """Fail unless an answer has one of these statuses."""
        if answer.status not in statuses:
            # Only here: what is remembered as evidence has the address without its secrets.
            said = lifetime_of(answer.headers.get("location", ""), time.time())
            self.lives_s = said.whole_s if said else None
            # A redirect is reported here with its lines, so this is no `expect_status`, for which
            # an undeclared one is inconclusive.
            raise CheckFailed(
                expected=f"{' or '.join(map(str, statuses))} from {answer.operation_id}",
                got=answer.describe(),
            )


def exchange_of(answer: Answer) -> Exchange:
    """Give the request and its answer."""
    return answer.exchange or Exchange(
        method=answer.method, url=answer.path, headers=(), status=answer.status
    )
