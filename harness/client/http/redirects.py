"""Downloads that the API answers with a redirect: what is judged where, and following it once.

Status, tenancy and 404 are the API's own answer's; bytes, Range and headers those of what answers
at the address. That one is asked without token and cookies, and only on declared hosts.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from multidict import CIMultiDict
from yarl import URL

from harness.client.answers.answer import Answer
from harness.client.http.addresses import ElsewhereError, absolute
from harness.client.routes import Route
from harness.errors import CheckFailed
from harness.target.contract.dialect import Contract
from harness.target.contract.redirects import REDIRECTED, REDIRECTS, Redirects, redirects_in
from harness.target.values.hosts import canonical_host

RULE = "download.redirect"
"""The rule that a redirect of a download leads to its bytes."""

FORWARDED = ("range", "if-range", "accept", "accept-encoding")
"""Headers of the request that the address gets as well; none of them says who asks."""

_BYTES = frozenset({200, 206})
_NO_SUCH_PART = frozenset({400, 416})


def is_download_redirect(route: Route, answer: Answer) -> bool:
    """Whether an answer as the backend sent it sends the client elsewhere for the bytes.

    A redirect to another spelling of the same path is none.
    """
    location = answer.headers.get("location", "")
    return (
        answer.status in REDIRECTS
        and route.operation_id in REDIRECTED
        and answer.method in {"GET", "HEAD"}
        and not route.is_at(urlsplit(location).path.rstrip("/"))
    )


def judged_as_success(
    contract: Contract | None, route: Route, answer: Answer, base_url: str
) -> Answer:
    """Give a declared redirect the status of success; say of another one why it is not judged.

    `base_url` is that of the instance which has answered.
    """
    if not is_download_redirect(route, answer.sent):
        return answer
    operation = contract.operations.get(route.operation_id) if contract else None
    declared = redirects_in(operation.success) if operation else frozenset()
    if answer.sent.status in declared:
        return replace(answer, status=route.success, as_sent=answer.sent)
    return replace(answer, unfollowed=_undeclared(contract, answer.sent, declared, base_url))


def address_in(redirect: Answer, base_url: str) -> str:
    """Give the whole address that a redirect leads to. Fails the check where it is none."""
    location = redirect.headers.get("location", "")
    try:
        address = absolute(location, base_url, redirect.path)
        url = URL(address, encoded=True)
        if url.scheme not in {"http", "https"}:
            raise ElsewhereError("it is no address for HTTP")
        if url.raw_user is not None or url.raw_password is not None or "@" in url.raw_authority:
            raise ElsewhereError("it names a user")
        canonical_host(url.raw_host or "")
    except ValueError as problem:  # also what is no host, and no URL
        raise CheckFailed(
            expected=f"{redirect.operation_id} to redirect to the address of its bytes",
            got=f"Location {masked(location)!r} with {redirect.describe()}: {problem}",
            rule=RULE,
            subject=redirect.operation_id,
            aspect="Location",
        ) from None
    return address


def undeclared_host(redirects: Redirects, operation_id: str, address: str) -> str:
    """Say why an address is not asked, and what to write; empty where its host is declared."""
    host = host_of(address)
    if host in map(canonical_host, redirects.hosts):
        return ""
    listed = ", ".join(f'"{each}"' for each in (*redirects.hosts, host))
    return (
        f"{operation_id} redirects to {host}, which the target file does not declare, so it was "
        f"not followed; if the bytes are there, write [contract.redirects] hosts = [{listed}]"
    )


def host_of(address: str) -> str:
    """Give the canonical host of an address that `address_in` has found."""
    return canonical_host(URL(address, encoded=True).raw_host or "")


def at_the_address(redirect: Answer, last: Answer, *, has_range: bool) -> Answer:
    """Give the answer to a download: what the address answered, and the request id of the API.

    Fails the check unless that is the bytes, or (for a Range) that there is no such part.
    """
    last = replace(last, redirected_by=redirect)
    if last.status not in _BYTES and not (has_range and last.status in _NO_SUCH_PART):
        raise CheckFailed(
            expected=f"bytes at the address to which {redirect.operation_id} redirects",
            got=last.describe(),
            detail="an address is asked once, without the token and without cookies: all that it "
            "needs must be in it",
            rule=RULE,
            subject=redirect.operation_id,
            aspect="answer at the address",
        )
    headers = CIMultiDict(last.headers)
    headers.popall("x-request-id", None)
    if redirect.request_id:
        headers["X-Request-ID"] = redirect.request_id
    return replace(
        last,
        operation_id=redirect.operation_id,
        headers=headers,
        elapsed_s=redirect.elapsed_s + last.elapsed_s,
    )


def forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """Give those headers of a request that its address gets as well."""
    return {name: value for name, value in headers.items() if name.lower() in FORWARDED}


def masked(address: str) -> str:
    """Give an address without what opens it: for as long as it works, its query is a secret."""
    begin, mark, query = address.partition("?")
    if not mark:
        return address
    parts = (part.partition("=") for part in query.split("&"))
    return f"{begin}?{'&'.join(f'{name}=***' if equals else '***' for name, equals, _ in parts)}"


def without_address(status: int, headers: Mapping[str, str]) -> Mapping[str, str]:
    """Give the headers of an answer; where it is a redirect, with its address masked."""
    if status not in REDIRECTS or "location" not in headers:
        return headers
    shown = CIMultiDict(headers)
    shown["Location"] = masked(headers["location"])
    return shown


def _undeclared(
    contract: Contract | None, redirect: Answer, declared: frozenset[int], base_url: str
) -> str:
    operation_id = redirect.operation_id
    statuses = ", ".join(map(str, sorted({*declared, redirect.status})))
    lines = [f"[contract.operations.{operation_id}] success = [{statuses}]"]
    if contract is None or contract.redirects is None:
        try:
            host = host_of(absolute(redirect.headers.get("location", ""), base_url, redirect.path))
        except ValueError:
            host = "…"
        lines.append(
            f'[contract.redirects] hosts = ["{host}"] and expires_s = … (the seconds for which an '
            "address works)"
        )
    return (
        f"{operation_id} answers {redirect.status}, a redirect that the target file does not "
        f"declare, so it was not followed; if the bytes are there, write {'; '.join(lines)}"
    )
