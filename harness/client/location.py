"""Following the `Location` of an answer."""

from http import HTTPStatus

from harness.client.addresses import ElsewhereError, resolved
from harness.client.answer import Answer
from harness.client.routes import Route
from harness.client.transport import Transport
from harness.errors import CheckFailed

RULE = "header.location"
"""The rule that a `Location` leads to what it is about."""


async def follow_location(
    transport: Transport, answer: Answer, token: str | None, *, deadline_s: float
) -> Answer:
    """Get what the `Location` of an answer leads to, from the instance that sent it.

    Fails the check when it leads to no address of this server, or to one that forgets the path
    before those of the backend. Raises `Absent` where the target declares `Location` absent.
    """
    answer.needs_header("location")
    location = answer.headers.get("location", "")
    base_url = transport.base_urls[answer.instance]
    try:
        server, path = resolved(location, base_url, answer.sent.path)
    except ElsewhereError as problem:
        raise CheckFailed(
            expected=f"{answer.operation_id} to answer with a Location on this server",
            got=f"{location!r} with {answer.describe()}: {problem}",
            rule=RULE,
            subject=answer.operation_id,
        ) from None
    found = await transport.send(
        Route(operation_id=f"Location of {answer.operation_id}", method="GET", template=path),
        path,
        instance=answer.instance,
        deadline_s=deadline_s,
        headers={} if token is None else {"authorization": f"Bearer {token}"},
        server=server,
    )
    if server != base_url and found.status >= HTTPStatus.BAD_REQUEST:
        raise CheckFailed(
            expected=f"{answer.operation_id} to answer with a Location below {base_url}",
            got=f"Location {location!r}, which is {server}{path} (RFC 3986, section 5), and "
            f"{found.describe()}",
            detail="a gateway that adds a path before those of the backend must add it to "
            "Location, too, or the backend must know the path",
            rule=RULE,
            subject=answer.operation_id,
        )
    return found
