"""Downloads that are redirected: what is sent where, and what is judged."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from harness.client import Answer, Client, Route, Routes, Transport
from harness.client.dialect import Dialect
from harness.client.http.redirects import masked
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect_status
from harness.findings.exchanges import remembering
from harness.target.contract.dialect import Contract, Operation
from harness.target.contract.redirects import Redirects
from tests.web_server import serving

TOKEN = "t0k3n-of-a-member"
ROUTES = Routes(
    {
        "downloadExport": Route(
            operation_id="downloadExport",
            method="GET",
            template="/api/exports/{export_id}/download",
            may_be_file=True,
        ),
        "getJob": Route(operation_id="getJob", method="GET", template="/api/jobs/{job_id}"),
    }
)
PATH = {"export_id": "e1"}


def declared(*hosts: str) -> Contract:
    """A contract in which exports are redirected to these hosts."""
    return Contract(
        operations={"downloadExport": Operation(success=(302,))},
        redirects=Redirects(hosts=hosts or ("127.0.0.1",), expires_s=60),
    )


def redirected(location: str, status: int = 302) -> web.Response:
    """An answer of the API that sends the client elsewhere."""
    headers = {"Location": location, "X-Request-ID": "of the API", "Set-Cookie": "session=1"}
    return web.Response(status=status, headers=headers)


def found(_: web.Request) -> web.Response:
    """The bytes at the address."""
    return web.Response(body=b"PK", headers={"X-Request-ID": "of the storage", "ETag": '"1"'})


@dataclass(kw_only=True)
class Served:
    """What the API and the storage answer, and what they were asked."""

    location: str = "/storage/o?sig=s3cr3t"
    status: int = 302
    at_the_address: Callable[[web.Request], web.Response] = found
    asked: list[web.Request] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer as the API or, below its path, as the storage."""
        self.asked.append(request)
        if request.path.startswith("/storage"):
            return self.at_the_address(request)
        return redirected(self.location, self.status)


@asynccontextmanager
async def client_of(served: Served, contract: Contract | None) -> AsyncIterator[Client]:
    """A client of such a backend."""
    dialect = Dialect.of(contract, ROUTES) if contract else None
    async with serving(served.handle) as url, Transport([url], dialect=dialect) as transport:
        yield Client(transport=transport, routes=ROUTES, token=TOKEN)


async def test_bytes_and_headers_are_those_at_the_address_asked_without_token_and_cookie() -> None:
    served = Served()
    async with client_of(served, declared()) as client:
        headers = {"range": "bytes=0-1", "x-request-id": "mine", "apikey": "a gateway's"}
        answer = await client.download("e1", headers=headers)
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, b"PK", '"1"')
    assert answer.request_id == "of the API"
    assert answer.redirected_by is not None
    assert answer.redirected_by.status == 302
    assert answer.may_lack_digest
    first, last = served.asked
    assert first.headers["authorization"] == f"Bearer {TOKEN}"
    assert last.rel_url.raw_path_qs == "/storage/o?sig=s3cr3t"
    sent = {name.lower() for name in last.headers}
    assert sent == {"host", "range", "user-agent", "accept"}
    assert len(served.asked) == 2


async def test_unfollowed_it_is_a_success_of_the_api_and_nothing_else_is_asked() -> None:
    served = Served()
    async with client_of(served, declared()) as client:
        answer = await client.call("downloadExport", path=PATH, follow=False)
    assert (answer.status, answer.sent.status, answer.is_redirect) == (200, 302, True)
    assert len(served.asked) == 1
    with pytest.raises(CheckFailed, match="302 to GET"):  # as of an id of another organization
        expect_status(answer, 404)


@pytest.mark.parametrize(
    ("contract", "status", "written"),
    [
        (
            None,
            302,
            r'success = \[302\]; \[contract.redirects\] hosts = \["127.0.0.1"\] and expires_s',
        ),
        (declared(), 307, r"\[contract.operations.downloadExport\] success = \[302, 307\]$"),
        (
            declared("storage.example.net"),
            302,
            r'\[contract.redirects\] hosts = \["storage.example.net", "127.0.0.1"\]',
        ),
    ],
)
async def test_what_is_undeclared_is_inconclusive_with_the_line_to_write_and_never_a_404(
    contract: Contract | None, status: int, written: str
) -> None:
    served = Served(status=status)
    async with client_of(served, contract) as client:
        answer = await client.download("e1")
    with pytest.raises(Inconclusive, match=written):
        expect_status(answer, 200)
    with pytest.raises(Inconclusive):
        answer.followed()
    with pytest.raises(CheckFailed, match=f"{status} to GET"):
        expect_status(answer, 404)
    assert len(served.asked) == 1


@pytest.mark.parametrize(
    "location",
    [
        "",
        "mailto:a@b",
        "http://me@127.0.0.1/storage/o",
        "http://127.0.0.1:x/o",
        "ftp://127.0.0.1/o",
    ],
)
async def test_a_location_that_is_no_address_is_a_finding(location: str) -> None:
    served = Served(location=location)
    async with client_of(served, declared()) as client:
        with pytest.raises(CheckFailed, match="redirect to the address of its bytes") as failed:
            await client.download("e1")
    assert failed.value.rule == "download.redirect"
    assert len(served.asked) == 1


def refused(_: web.Request) -> web.Response:
    """The storage wants the token."""
    return web.Response(status=403, text="<Error>AccessDenied</Error>")


def once_more(_: web.Request) -> web.Response:
    """The storage redirects, too."""
    return redirected("/storage/other?sig=s3cr3t")


@pytest.mark.parametrize(("at_the_address", "status"), [(refused, 403), (once_more, 302)])
async def test_an_address_without_the_bytes_is_a_finding_that_hides_its_query(
    at_the_address: Callable[[web.Request], web.Response], status: int
) -> None:
    served = Served(at_the_address=at_the_address)
    with remembering() as recent:
        async with client_of(served, declared()) as client:
            with pytest.raises(CheckFailed) as failed:
                await client.download("e1")
    assert failed.value.rule == "download.redirect"
    assert f"{status} to GET" in failed.value.got
    assert "(redirected by 302 to GET /api/exports/e1/download" in failed.value.got
    assert len(served.asked) == 2
    told = f"{failed.value.got} {recent.last(6)}"
    assert "s3cr3t" not in told
    assert "sig=***" in told


async def test_a_part_that_is_not_there_is_an_answer_where_a_range_was_asked_for() -> None:
    served = Served(at_the_address=lambda _: web.Response(status=416))
    async with client_of(served, declared()) as client:
        answer = await client.download("e1", headers={"range": "bytes=9-"})
        assert (answer.status, answer.redirected_by is None) == (416, False)
        with pytest.raises(CheckFailed):
            await client.download("e1")


async def test_another_spelling_of_the_same_path_is_no_redirect_to_bytes() -> None:
    served = Served(location="/api/exports/e1/download/")
    async with client_of(served, declared()) as client:
        answer: Answer = await client.download("e1")
    assert (answer.status, answer.is_redirect, answer.unfollowed) == (302, False, "")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://a.net/o", "https://a.net/o"),
        ("https://a.net/o?a=1&b=&c", "https://a.net/o?a=***&b=***&***"),
        ("/o?s3cr3t", "/o?***"),
    ],
)
def test_an_address_is_shown_without_the_values_of_its_query(address: str, shown: str) -> None:
    assert masked(address) == shown
