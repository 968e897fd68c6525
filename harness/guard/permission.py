"""May this host be harmed now? A pure answer, from what was granted and what holds now."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.target.values.hosts import InvalidHost, canonical_host

Addresses = frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What was permitted when it was checked. Nothing adds to it afterwards."""

    allow_faults: bool
    """Whether `--allow-faults` was given."""
    shown_file: str
    """The target file, for messages."""
    sha256: str
    """The digest of the target file's bytes, as they were when they were read."""
    hosts: frozenset[str]
    """`[chaos] allowed_hosts`, canonical."""
    addresses: Mapping[str, Addresses] = field(default_factory=dict)
    """Of each host that is allowed: what it resolved to when it was checked."""


@dataclass(frozen=True, kw_only=True)
class Now:
    """What holds right before an act."""

    sha256: str | None
    """The digest of the target file's bytes; None when it cannot be read any more."""
    addresses: Addresses
    """What the host resolves to at this moment."""


def refusal(grant: Grant, host: str, now: Now) -> str | None:
    """Say why this host must not be harmed now; None when it may.

    The name decides, and nothing else: a host is not allowed because it has the address of
    another one that is. The address only ever takes a permission away.
    """
    try:
        wanted = canonical_host(host)
    except InvalidHost as strange:
        return str(strange)
    if not grant.allow_faults:
        return f"{wanted} must not be harmed: --allow-faults was not given"
    if wanted not in grant.hosts:
        listed = ", ".join(sorted(grant.hosts)) or "none"
        return (
            f"{wanted} must not be harmed: [chaos] allowed_hosts in {grant.shown_file} does not "
            f"list it (listed: {listed})"
        )
    if now.sha256 != grant.sha256:
        change = "cannot be read any more" if now.sha256 is None else "has changed"
        return f"{grant.shown_file} {change} since it was checked: it allows nothing now"
    checked = grant.addresses.get(wanted, frozenset())
    if not checked:
        return f"{wanted} did not resolve to any address when it was checked"
    if not now.addresses:
        return f"{wanted} does not resolve any more"
    if strangers := now.addresses - checked:
        return (
            f"{wanted} resolves to {', '.join(sorted(strangers))} now; when it was checked it was "
            f"{', '.join(sorted(checked))}"
        )
    return None
