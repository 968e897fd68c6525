"""Why a target does not offer a check, and which lines of its target file would change that."""

from dataclasses import dataclass

from harness.check import CheckSpec
from harness.plugin.extent.extent import Extent, extent_of
from harness.target import Capability, Target

_STARTED_BY_US = (
    'driver = "process" (or "docker") and [api] command = […]: then the harness starts the backend'
)
_OWN_SERVER = '[database] source = "embedded" (or "docker"): then the harness starts the database'
_PERMISSION = (
    '[chaos] allowed_hosts = ["…"] with every host of the API, and --allow-faults: docs/staging.md'
)

_LINES = {
    Capability.TENANTS: '[tokens.mint], or [tokens.given] org_a = "…" and org_b = "…"',
    Capability.ORGANIZATIONS: "[tokens.mint], [tokens.calls] or [tokens.command]",
    Capability.DATABASE: '[database] source = "…": all but "none"',
    Capability.DATABASE_CONTROL: _OWN_SERVER,
    Capability.SPAWN: _STARTED_BY_US,
    Capability.KILL: _STARTED_BY_US,
    Capability.PAUSE: _STARTED_BY_US,
    Capability.RESTART: _STARTED_BY_US,
    Capability.NETWORK: 'driver = "docker"',
    Capability.FAILPOINTS: '[failpoints] variable = "…" and names = […]',
    Capability.LOAD: _PERMISSION,
    Capability.FAULTS: "[chaos.faults.NAME] inject = […], proof = […], undo = […], "
    f'for driver = "external"; {_PERMISSION}',
    Capability.ABSENCES: "nothing is declared absent, so there is nothing to look at",
}
"""What offers each; every target offers HTTP."""

_OWN_DATA = (
    "a system of its own, with data of its own",
    f'{_OWN_SERVER}; or source = "none", and everything in {{storage_dir}}',
)


@dataclass(frozen=True, kw_only=True)
class Lack:
    """Something that a check needs and a target does not offer."""

    what: str
    line: str
    """What to write into the target file, or on the command line."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Whether a target offers what a check needs."""

    spec: CheckSpec
    extent: Extent
    lacks: tuple[Lack, ...] = ()
    """Why it cannot run at all; empty where it can."""

    @property
    def is_offered(self) -> bool:
        """Whether the check can look at the target, if only in part."""
        return not self.lacks


def offer_of(spec: CheckSpec, target: Target) -> Offer:
    """Say whether a target offers a check, and what it lacks otherwise; nothing is started."""
    extent = extent_of(spec, target)
    lacks = [_lack(name) for name in extent.missing] if extent.how == "not at all" else []
    if Capability.SPAWN in spec.needs & target.capabilities() and not target.is_cloned:
        lacks.append(Lack(what=_OWN_DATA[0], line=_OWN_DATA[1]))
    return Offer(spec=spec, extent=extent, lacks=tuple(lacks))


def _lack(name: str) -> Lack:
    if name in set(Capability):
        return Lack(what=name, line=_LINES[Capability(name)])
    return Lack(
        what=name, line=f"{name} is declared absent in [contract]: remove that if it is wrong"
    )
