"""Whose requests a backend takes: a token, when it ends, and the organization it is of."""

import time
from http import HTTPStatus

from harness.client import Organization
from harness.client.tokens.given_tokens import UNKNOWN, declared_as, given_users
from harness.doctor import advice
from harness.doctor.advice import Advice
from harness.doctor.step import Step
from harness.doctor.walked import Seen, Walked, exchange_of
from harness.errors import Inconclusive
from harness.untrusted.token_expiry import expiry_of, shown_time

SOON_S = 30 * 60
"""A token that ends sooner may not last a run."""


async def try_token(walked: Walked) -> Seen:
    """Ask with a token, and without one."""
    walked.org = org = await walked.organizations.new("doctor")
    client = org.client
    reading = [each for each in ("listJobs", "listLedgerEvents") if client.has(each)]
    if not reading:
        return "made; no operation that only reads can try it", None
    answer = await client.call(reading[0])
    if answer.status == HTTPStatus.NOT_FOUND:
        return f"{reading[0]} is not there", advice.of_refusal(
            reading[0], exchange_of(answer), walked.target
        )
    if not 200 <= answer.status < 300:
        if answer.status == HTTPStatus.UNAUTHORIZED:
            walked.org = None  # nothing else can be asked with it
        return answer.describe(), advice.of_refusal(reading[0], exchange_of(answer), walked.target)
    without = await walked.organizations.with_token(None).call(reading[0])
    if 200 <= without.status < 300:
        return (
            f"{reading[0]} answers {without.status} without a token, too",
            Advice(hint="every client that reaches the backend can read it: this is a bug"),
        )
    walked.noticed.header(without, "WWW-Authenticate", "a 401")
    return f"taken by {reading[0]} ({answer.status}); without one {without.status}", None


def look_at_expiry(walked: Walked) -> Step:
    """Look at when the token ends."""
    name = "expiry of the token"
    client = walked.org.client if walked.org else None
    moment = expiry_of(client.token) if client and client.token else None
    if moment is None:
        return Step(name=name, how="not looked at", seen="no token that names its end")
    left = moment - time.time()
    if walked.org is not None and walked.org.renewed:
        return Step(name=name, how="holds", seen="another one is had before it ends")
    if left < SOON_S:
        return Step(
            name=name,
            how="does not hold",
            seen=f"it ends at {shown_time(moment)}, in {left / 60:.0f} min",
            hint="a whole run may take longer (`--only` a shorter one): give one that lasts, "
            "or have tokens made during the run: [tokens.mint] or [tokens.command]",
        )
    return Step(name=name, how="holds", seen=f"it lasts until {shown_time(moment)}")


def compare_organization(walked: Walked) -> Step:
    """Hold the organization that answers name against that of the token."""
    name = "organization of the token"
    shown = walked.job.get("organization_id") if walked.job else None
    if walked.org is None or shown is None:
        return Step(name=name, how="not looked at", seen="no job that names one")
    if walked.org.id == shown:
        return Step(name=name, how="holds", seen=f"{shown}, as in answers")
    return _of_organization(name, walked.org, str(shown), _given_key(walked, 0))


def _given_key(walked: Walked, number: int) -> str:
    users = given_users(walked.target, may_be_unknown=True)
    return users[number].key if users else ""


async def ask_from_another(walked: Walked) -> Seen:
    """Ask for the job with the token of another organization."""
    org, job = walked.have_org(), walked.job
    if job is None:
        raise Inconclusive("there is no job to ask for")
    other = await walked.organizations.new("doctor, another one")
    answer = await other.client.call("getJob", path={"job_id": job["id"]})
    if 200 <= answer.status < 300:
        return (
            f"its token reads the first one's job: {answer.describe()}",
            Advice(
                hint="a tenant reads what is another's: a bug, or both tokens are of the same "
                "organization"
            ),
        )
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return answer.describe(), advice.of_token(exchange_of(answer), walked.target)
    if other.given_job:
        return f"its token does not read the first one's job ({answer.status})", None
    made = await other.client.call("createJob", json={"title": org.client.marked("Doctor")})
    walked.expect_success(made, 201)
    shown = made.data.get("organization_id")
    if shown is not None and shown != other.id:
        found = _of_organization("", other, str(shown), _given_key(walked, 1))
        return found.seen, Advice(hint=found.hint, lines=found.lines)
    return f"its token does not read the first one's job ({answer.status})", None


def _of_organization(name: str, org: Organization, shown: str, key: str) -> Step:
    """Say that answers name another organization than the token or the target file."""
    if not key:
        return Step(
            name=name,
            how="does not hold",
            seen=f"answers show {shown}, the token was made for {org.id}",
            hint="is organization_id another field, or the organization in the claims another one?",
        )
    line = f'{declared_as(key)} = "{shown}"'
    seen = (
        f"the token names none; answers show {shown}"
        if org.id == UNKNOWN
        else f"answers show {shown}, the token or the target file says {org.id}"
    )
    return Step(
        name=name,
        how="does not hold",
        seen=seen,
        hint="checks must know whose things are whose; where a claim of the token has it, name "
        "the claim by `organization_claim` instead",
        lines=("[tokens.given]", line),
    )
