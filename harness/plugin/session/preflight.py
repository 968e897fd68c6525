"""Before the first check: whether the target file's tokens can be used at all.

The configuration is refused only where it can be at fault. A backend that the harness started, and
handed the secret of its tokens, has to take them: where it does not, the checks fail.
"""

import time
from collections.abc import Iterator

from harness.client import Client, Organizations
from harness.client.tokens.given_tokens import given_users
from harness.errors import CheckFailed, Inconclusive, Misconfigured
from harness.target import Target
from harness.target.environment import name_of
from harness.untrusted.token_expiry import expiry_of, shown_time

DEADLINE_S = 3.0
"""A backend that takes longer is for the checks to judge, and they should begin."""

_READING = ("listJobs", "listLedgerEvents")
"""Operations that any token may call and that change nothing."""


def refuse_expired_tokens(target: Target) -> None:
    """Raise `Misconfigured` for every given token that has run out, by its own `exp`."""
    given = target.tokens.given
    if given is None:
        return
    expired = []
    for key in ("token", "org_a", "org_b"):
        secret = getattr(given, key)
        moment = expiry_of(secret.get_secret_value()) if secret is not None else None
        if moment is not None and moment <= time.time():
            name = name_of(target.file, ("tokens", "given", key))
            expired.append(f"{name}: the token ran out at {shown_time(moment)}")
    if expired:
        raise Misconfigured("\n".join([*expired, "give one that is valid until the run has ended"]))


async def try_tokens(target: Target, organizations: Organizations) -> None:
    """Use the target's tokens once where the target file can be wrong about them.

    Raises `Misconfigured` when the backend refuses them. Whatever else it answers, a 5xx above all,
    is for the checks to find, and so is a gateway that lets nothing through.
    """
    try:
        if target.tokens.calls or (target.tokens.tenants and target.hands_out_keys):
            await organizations.new("shakedown")
        elif not target.tokens.mint or not target.hands_out_keys:
            for what, client in await _clients(target, organizations):
                await _expect_taken(what, client)
    except (CheckFailed, Inconclusive):
        return


async def _clients(target: Target, organizations: Organizations) -> list[tuple[str, Client]]:
    if target.tokens.chooses_users:
        what = "tokens.mint" if target.tokens.mint else "tokens.command"
        return [(what, (await organizations.new("shakedown")).client)]
    return list(_given(target, organizations))


def _given(target: Target, organizations: Organizations) -> Iterator[tuple[str, Client]]:
    for user in given_users(target):
        yield (
            name_of(target.file, ("tokens", "given", user.key)),
            organizations.with_token(user.token),
        )


async def _expect_taken(what: str, client: Client) -> None:
    operation_id = next(filter(client.has, _READING), None)
    if operation_id is None:
        return
    answer = await client.call(operation_id, deadline_s=DEADLINE_S)
    if answer.status == 401:
        hint = (
            "is it of this backend?"
            if what != "tokens.mint"
            else "are secret or private key, algorithm, kid, audience and claims those of this "
            "backend?"
        )
        raise Misconfigured(
            f"{what}: expected the backend to take the token, got {answer.describe()}; {hint}"
        )
