"""How far a check can look at a target: whole, in part or not at all; known before it runs."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from harness.check import CheckSpec, plain_id
from harness.plugin.extent.declared_asks import DeclaredAsks, declared_asks
from harness.plugin.extent.export_time import extra_s
from harness.target import Capability, Target

SHOWN = 6
"""Names of what is missing that a line shows."""

BRING_UP_S = 5


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How far one check can look."""

    how: Literal["all", "part", "not at all"]
    missing: tuple[str, ...] = ()
    """What the target declares absent, or does not offer."""
    seconds: float = 0
    """How long it is expected to take: as on the reference backend, and what the pace adds."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.how == "all"

    def describe(self) -> str:
        """Say it in one line: `part: without header Location, requestExport.filters`."""
        if self.is_whole:
            return "all"
        rest = len(self.missing) - SHOWN
        more = f" and {rest} more" if rest > 0 else ""
        return f"{self.how}: without {', '.join(self.missing[:SHOWN])}{more}"


def extent_of(spec: CheckSpec, target: Target) -> Extent:
    """Say how far a check can look at a target."""
    asks = declared_asks().get(plain_id(spec.id), DeclaredAsks())
    lacking = sorted(spec.needs - target.capabilities())
    is_absent = target.contract.is_absent
    absent = {name for name in asks.whole if is_absent(name)}
    elsewhere = absent & _in_rows(target)
    whole = (*lacking, *sorted(absent - elsewhere))
    if whole:
        return Extent(how="not at all", missing=whole)
    part = tuple(sorted({*elsewhere, *filter(is_absent, asks.part)}))
    seconds = asks.seconds + extra_s(spec.id, target.pace)
    return Extent(how="part" if part else "all", missing=part, seconds=seconds)


def _in_rows(target: Target) -> frozenset[str]:
    """What an API need not list, since checks read it from the rows of the database."""
    if target.ledger is None or Capability.DATABASE not in target.capabilities():
        return frozenset()
    return frozenset({"listLedgerEvents", "listLedgerEvents.target_id"})


def expected_minutes(specs: Iterable[CheckSpec], extents: Mapping[str, Extent]) -> str:
    """Say how long the quick profile takes about: measured on the reference backend, and what
    the target's `[pace]` adds.
    """
    quick = [extents[spec.id] for spec in specs if spec.profile == "quick"]
    counts = {how: sum(each.how == how for each in quick) for how in ("all", "part", "not at all")}
    seconds = BRING_UP_S + sum(each.seconds for each in quick)
    minutes = max(1, math.ceil(seconds / 60))
    looked = ", ".join(f"{number} {how}" for how, number in counts.items())
    return (
        f"quick profile: {looked}; about {minutes} min where a backend is as fast as the "
        "reference, or as its [pace] says"
    )
