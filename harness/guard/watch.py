"""Checks a permission right before each act: reads the file again, and looks names up."""

import asyncio
import hashlib
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from harness.errors import Inconclusive
from harness.guard.permission import Addresses, Grant, Now, refusal
from harness.target import Target
from harness.target.values.hosts import InvalidHost, canonical_host, host_of_url

Resolve = Callable[[str], Awaitable[Addresses]]

_LOOK_UP_S = 5.0


class Refused(Inconclusive):
    """Something was not permitted, and was not done."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Asked before each act against a system that is not ours."""

    grant: Grant
    file: Path | None
    api_hosts: Sequence[str]
    """The hosts of `api.base_urls`: a fault of an instance harms all clients of these hosts. Then
    those of redirects, which users under load ask for the bytes."""
    resolve: Resolve

    @classmethod
    async def of(cls, target: Target, resolve: Resolve | None = None) -> Self:
        """Check what the target permits, and pin what its hosts resolve to now."""
        look_up = resolve or addresses_of
        hosts = frozenset(_canonical(target.chaos.allowed_hosts))
        grant = Grant(
            allow_faults=target.allow_faults,
            shown_file=str(target.file or "the bundled target"),
            sha256=target.sha256,
            hosts=hosts,
        )
        if grant.allow_faults:
            found = {host: await look_up(host) for host in sorted(hosts)}
            grant = replace(grant, addresses=found)
        redirects = target.contract.redirects
        api_hosts = (
            *_hosts_of(target.api.base_urls),
            *_canonical(redirects.hosts if redirects else ()),
        )
        return cls(grant=grant, file=target.file, api_hosts=api_hosts, resolve=look_up)

    async def permit(self, host: str) -> None:
        """Raise `Refused` unless this host, and every host of the API, may be harmed now."""
        for each in dict.fromkeys((host, *self.api_hosts)):
            now = Now(
                sha256=await asyncio.to_thread(_digest, self.file),
                addresses=await self._addresses(each),
            )
            if reason := refusal(self.grant, each, now):
                raise Refused(reason)

    async def permit_load(self) -> None:
        """Raise `Refused` unless every host of the API may be put under load now."""
        if not self.api_hosts:
            raise Refused("the target names no host in api.base_urls")
        await self.permit(self.api_hosts[0])

    async def _addresses(self, host: str) -> Addresses:
        # Only what was written down is ever looked up.
        try:
            known = canonical_host(host) in self.grant.hosts
        except InvalidHost:
            known = False
        return await self.resolve(canonical_host(host)) if known else frozenset()


async def addresses_of(host: str) -> Addresses:
    """Look a host up as the client would; nothing when it cannot be found."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_LOOK_UP_S):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return frozenset()
    return frozenset(str(entry[4][0]) for entry in found)


def _digest(file: Path | None) -> str | None:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest() if file else None
    except OSError:
        return None


def _canonical(hosts: Sequence[str]) -> list[str]:
    """Give the hosts that a loaded target lists; loading refused every strange one."""
    return [canonical_host(host) for host in hosts]


def _hosts_of(urls: Sequence[str]) -> tuple[str, ...]:
    # A strange URL stays as it is: no permission will ever fit it.
    found = []
    for url in urls:
        try:
            found.append(host_of_url(url))
        except InvalidHost:
            found.append(url)
    return tuple(dict.fromkeys(found))
