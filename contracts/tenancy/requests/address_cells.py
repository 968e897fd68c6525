"""What the address of one download opens, and for how long, cell by cell."""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from contracts.tenancy.requests.signed_address import (
    holds,
    lasting_longer,
    led_astray,
    with_changed_query,
    without_query,
)
from harness.client import Answer, Client
from harness.client.caller import DEADLINE_S
from harness.client.http.redirects import address_in, masked
from harness.client.http.signed_lifetime import lifetime_of
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect
from harness.plugin.cells import Cells
from harness.waiting import wait_until

SIGNED, EXPIRES = "download.address-signed", "download.address-expires"

SLACK_S = 5.0
"""How much longer than declared an address may work: clocks differ, and seconds are rounded."""

DATE_S = 2.0
"""The same by the clock that dated the answer: both moments are in whole seconds."""

TRIES = 3
"""Addresses that are looked at where one ends meanwhile."""

MOST_WAIT_S = 45.0
"""The longest declared life of an address that is waited for."""


@dataclass(frozen=True, kw_only=True)
class GivenAddress:
    """An address that the API has given for a download of its own object."""

    url: str = field(repr=False)
    received: float
    """When it was received, by the monotonic clock."""
    content: bytes = field(default=b"", repr=False)
    """What it opens."""
    dated: float | None = None
    """When it was given, by the clock of the API; None where its answer does not say."""


@dataclass(frozen=True, kw_only=True)
class RedirectedDownload:
    """A download that is redirected: its own object, and another one of the same organization."""

    client: Client
    operation_id: str
    own: Mapping[str, str]
    other: Mapping[str, str]
    """The path parameters of each."""
    names_of_other: frozenset[str]
    """What the API shows of the other object."""
    expires_s: float
    cells: Cells
    observe: Callable[[], None]

    async def look_at(self, redirect: Answer) -> None:
        """Judge the address of a redirect that the API has just answered."""
        given = GivenAddress(
            url=self._address(redirect), received=time.monotonic(), dated=_date_of(redirect)
        )
        async with self._cell("no token in it"):
            self._expect_no_token(given.url)
            self.observe()
        opened: list[bytes] = []
        async with self._cell("the address itself"):
            followed = await self.client.call(self.operation_id, path=self.own)
            opened.append(followed.followed().body)
        for content in opened:
            async with self._cell("its query changed"):
                await self._while_it_opens(content, self._expect_signed)
                self.observe()
            async with self._cell("the name of another object in it"):
                await self._while_it_opens(content, self._expect_bound)
                self.observe()
            async with self._cell("after its time"):
                await self._expect_expired(replace(given, content=content))
                self.observe()

    async def _while_it_opens(
        self, content: bytes, expect_of: Callable[[GivenAddress], Awaitable[None]]
    ) -> None:
        """Judge a new address, which must open the bytes before and after: what has ended is
        refused for that."""
        for _ in range(TRIES):
            answer = await self.client.call(self.operation_id, path=self.own, follow=False)
            url = self._address(answer)
            given = GivenAddress(url=url, content=content, received=time.monotonic())
            if await self._opens(given, url):
                await expect_of(given)
                if await self._opens(given, url):
                    return
        raise Inconclusive(
            f"{TRIES} addresses of {self.operation_id} expired during the check, or open only "
            "once: let the backend sign for more seconds in this run, and write that number into "
            "[contract.redirects] expires_s"
        )

    def _cell(self, case: str) -> AbstractAsyncContextManager[None]:
        return self.cells.of(operation=self.operation_id, case=f"signed address: {case}")

    def _address(self, redirect: Answer) -> str:
        sent = redirect.sent
        return address_in(sent, self.client.transport.base_urls[redirect.instance])

    def _expect_no_token(self, url: str) -> None:
        token = self.client.token or ""
        expect(
            not holds(url, token) and not holds(url, token.rpartition(".")[2]),
            expected=f"an address from {self.operation_id} without the token of its user",
            got=f"the token itself is in {masked(url)}",
            rule=SIGNED,
            subject=self.operation_id,
        )

    async def _expect_signed(self, given: GivenAddress) -> None:
        """Fail where no change of the query is noticed, or HEAD does not notice it.

        Some values may be free, such as a name for the file; the signature is none of them.
        """
        if await self._opens(given, without_query(given.url)):
            return  # then what opens it is not in the query: its end is what can be looked at
        changed = dict(with_changed_query(given.url))
        refused = [name for name, url in changed.items() if not await self._opens(given, url)]
        names = ", ".join(changed)
        expect(
            refused,
            expected=f"an address of {self.operation_id} to be refused with another signature",
            got=f"the same bytes, whichever of its values ({names}) is changed",
            rule=SIGNED,
            subject=self.operation_id,
        )
        for name in refused:
            await self._expect_head_refused(given, changed[name], f"another {name}")

    async def _expect_bound(self, given: GivenAddress) -> None:
        answer = await self.client.call(self.operation_id, path=self.other, follow=False)
        for url in led_astray(given.url, self._address(answer), self.names_of_other):
            shown = await self._ask(url)
            is_open = _is_success(shown) and shown.body != given.content
            expect(
                not is_open,
                expected=f"an address of {self.operation_id} to open no other object",
                got=f"another one's name in its place gives {shown.describe()}",
                rule=SIGNED,
                subject=self.operation_id,
            )
            if not _is_success(shown):
                await self._expect_head_refused(given, url, "the name of another object")

    def _expect_said_life(self, given: GivenAddress) -> None:
        """Fail where the address itself says that it works for longer than declared.

        Its storage is believed in this: what is declared must be what is signed, and waiting alone
        does not tell a life that is a few seconds too long from clocks that differ.
        """
        said = lifetime_of(given.url, given.dated or time.time())
        if said is None:
            return
        slack_s = (DATE_S if given.dated else SLACK_S) if said.by_clock else 0.0
        life_s = said.left_s if said.by_clock else said.seconds
        if life_s > math.ceil(self.expires_s) + slack_s:
            raise CheckFailed(
                expected=f"an address of {self.operation_id} to be signed for {self.expires_s:g} s "
                "at most, as [contract.redirects] expires_s says",
                got=f"by its own words it works for {life_s:.0f} s",
                rule=EXPIRES,
                subject=self.operation_id,
                aspect="lasts",
            )

    async def _expect_expired(self, given: GivenAddress) -> None:
        self._expect_said_life(given)
        if self.expires_s > MOST_WAIT_S:
            raise Inconclusive(
                f"an address of {self.operation_id} works for {self.expires_s:g} s, and this check "
                f"waits {MOST_WAIT_S:g} s at most: let the backend sign for fewer seconds in this "
                "run, and write that into [contract.redirects] expires_s"
            )

        async def is_over() -> bool:
            # Asked again after the deadline: how slow we are makes no address last longer.
            return not await self._opens(given, given.url)

        def too_long(_: str) -> CheckFailed:
            return CheckFailed(
                expected=f"an address of {self.operation_id} to stop working within "
                f"{self.expires_s:g} s, as [contract.redirects] expires_s says",
                got=f"it gives the bytes {time.monotonic() - given.received:.0f} s after the "
                "redirect was received",
                rule=EXPIRES,
                subject=self.operation_id,
                aspect="lasts",
            )

        left_s = given.received + self.expires_s + SLACK_S - time.monotonic()
        poll_s = max(0.1, self.expires_s / 20)
        await wait_until(
            is_over, max(0.0, left_s), "an address to end", poll_s=poll_s, error=too_long
        )
        await self._expect_head_refused(given, given.url, "its time over", rule=EXPIRES)
        for name, url in lasting_longer(given.url):
            expect(
                not await self._opens(given, url),
                expected=f"an address of {self.operation_id} to end when it was signed to",
                got=f"with a later {name} it gives the bytes again",
                rule=EXPIRES,
                subject=self.operation_id,
            )

    async def _expect_head_refused(
        self, given: GivenAddress, url: str, why: str, *, rule: str = SIGNED
    ) -> None:
        answer = await self._ask(url, "HEAD")
        length = answer.headers.get("content-length")
        expect(
            not _is_success(answer) or length not in (None, str(len(given.content))),
            expected=f"HEAD to be refused like GET at an address of {self.operation_id} with {why}",
            got=answer.describe(),
            rule=rule,
            subject=self.operation_id,
        )

    async def _opens(self, given: GivenAddress, url: str) -> bool:
        """Whether anybody gets the bytes there."""
        answer = await self._ask(url)
        return _is_success(answer) and answer.body == given.content

    async def _ask(self, url: str, method: str = "GET") -> Answer:
        return await self.client.transport.fetch(
            url,
            operation_id=self.operation_id,
            instance=self.client.instance or 0,
            deadline_s=DEADLINE_S,
            headers={},
            method=method,
        )


def _date_of(answer: Answer) -> float | None:
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return None


def _is_success(answer: Answer) -> bool:
    return HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
