"""One tenant with a user in each role, as a check has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from harness.client.answers.record import Record
from harness.client.client import Client
from harness.client.tokens.token_source import RenewedToken
from harness.errors import Inconclusive
from harness.expect import expect_status

NOT_OFFERED = (404, 405, 501)
"""What a backend answers to an operation that it does not have (RFC 9110, section 15)."""


@dataclass(frozen=True, kw_only=True)
class Organization:
    """One tenant with a user in each role."""

    id: str
    name: str
    users: dict[str, str]
    """User id by role."""
    tokens: dict[str, str] = field(repr=False)
    """Bearer token by role."""
    renewed: Mapping[str, RenewedToken] = field(default_factory=dict, repr=False)
    """By role, where a token is had again before it runs out."""
    client: Client = field(repr=False)
    """The member's client: a member may write."""
    is_fresh: bool = True
    """Whether it was made for one check, so that it has nothing but what the check made."""
    given_job: str | None = None
    """A job that was given with the token, for a backend whose clients can create none."""

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that there is a token of, the one with the most rights first."""
        return tuple(self.tokens)

    def as_role(self, role: str) -> Client:
        """The client of this organization's `owner`, `member` or `viewer`.

        Raises `Inconclusive` where the only token was given, and its role is not known.
        """
        if role not in self.tokens:
            raise Inconclusive(f"this check needs a token of a {role}; the target gives none")
        return replace(
            self.client,
            token=self.tokens[role],
            renewed=self.renewed.get(role),
            instance=None,
        )

    async def new_job(self, title: str = "", *, may_hold_more: bool = False) -> Record:
        """Make a job and give its data; the given one where the backend makes none for clients.

        That one holds what others put there: `Inconclusive` unless the job `may_hold_more` than
        what the check puts into it.
        """
        if self.is_fresh:
            return await self.client.create_job(title or f"Job of {self.name or self.id}")
        if "createJob" in self.client.routes:
            wanted = self.client.marked(title or "Shakedown")
            asked = await self.client.call("createJob", json={"title": wanted})
            if asked.is_a(HTTPStatus.FORBIDDEN):
                raise Inconclusive(
                    f"the token given for organization {self.id} may not make a job, which this "
                    f"check needs: {asked.describe()}; give the token of an owner or a member"
                )
            if not asked.is_a(*NOT_OFFERED):
                return expect_status(asked, 201).data
        if self.given_job is None:
            raise Inconclusive(
                "this check needs a job, and clients of this backend cannot create one; give one "
                "with the token (JOB_ID, JOB_ID_ORG_A, JOB_ID_ORG_B, or tokens.given.job)"
            )
        if not may_hold_more:
            raise Inconclusive(
                "this check judges all that a job holds, and needs a job of its own: clients "
                f"cannot create one, and others use the given one ({self.given_job})"
            )
        found = await self.client.call("getJob", path={"job_id": self.given_job})
        return expect_status(found, 200).data
