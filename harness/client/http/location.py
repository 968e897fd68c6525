"""Following the `Location` of an answer: to what was made, and to the bytes of a download."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus

from harness.client.answers.answer import Answer
from harness.client.http.addresses import ElsewhereError, resolved
from harness.client.http.redirects import address_in, at_the_address, forwarded, undeclared_host
from harness.client.http.transport import Transport
from harness.client.routes import Route
from harness.errors import CheckFailed

RULE = "header.location"
"""The rule that a `Location` leads to what it is about."""


async def follow_location(
    transport: Transport, answer: Answer, headers: Mapping[str, str], *, deadline_s: float
) -> Answer:
    """Get what the `Location` of an answer leads to, from the instance that sent it.

    `headers` say who asks. Fails the check when it leads to no address of this server, or to one
    that forgets the path before those of the backend. Raises `Absent` where the target declares
    `Location` absent.
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
        headers=headers,
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


async def follow_redirect(
    transport: Transport, answer: Answer, headers: Mapping[str, str], *, deadline_s: float
) -> Answer:
    """Get the bytes that a declared redirect leads to: once, and without the token.

    `headers` are those of the request, of which the address gets what is about bytes. Where the
    host is undeclared: the redirect itself, as one that was not followed. Fails the check where
    the redirect leads to no address, or the address to no bytes.
    """
    assert transport.dialect is not None  # else it would not be a declared one
    redirects = transport.dialect.contract.redirects
    assert redirects is not None
    redirect = answer.sent
    address = address_in(redirect, transport.base_urls[answer.instance])
    if reason := undeclared_host(redirects, answer.operation_id, address):
        return replace(answer, status=redirect.status, unfollowed=reason)
    sent = forwarded(headers)
    last = await transport.fetch(
        address,
        operation_id=answer.operation_id,
        instance=answer.instance,
        deadline_s=deadline_s,
        headers=sent,
    )
    has_range = any(name.lower() == "range" for name in sent)
    found = at_the_address(redirect, last, has_range=has_range)
    return found if found.status >= HTTPStatus.BAD_REQUEST else transport.reworded(found)
