"""The scenarios: which scripts run side by side, and on what queue.

Everything but the sampled ones is small enough for all of its interleavings to be run. An export
is ended in an open transaction in some of them; a step that commits at once behaves like the
same step with its commit right after it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from harness.explore.scripts.scenario import OWNER_KINDS, Kind, Scenario, needs, script
from harness.explore.scripts.schedules import count_schedules

SAMPLED_ABOVE = 2500
"""Scenarios with more interleavings than this are sampled."""

BRIEF = 21
"""Scenarios with at most so many interleavings make up a short exploration."""


@dataclass(frozen=True, kw_only=True)
class PlannedScenario:
    """A scenario, and how much of it is to be run."""

    scenario: Scenario
    interleavings: int
    """How many there are."""
    sample: int | None = None
    """How many are drawn; None for all."""


def plan(
    kinds: Collection[Kind],
    *,
    workers: int,
    takes_over: bool = False,
    brief: bool = False,
    sample: int = SAMPLED_ABOVE,
) -> list[PlannedScenario]:
    """Give the scenarios that these steps allow, those with few interleavings first.

    `workers` is the most that run side by side; `takes_over` says whether claims take over what
    was silent for the timeout.
    """
    found = []
    for scenario in _all(workers, takes_over=takes_over):
        count = count_schedules(scenario.scripts)
        needed = needs(scenario.scripts, takes_over=takes_over)
        if needed <= set(kinds) and not (brief and count > BRIEF):
            found.append(
                PlannedScenario(
                    scenario=scenario,
                    interleavings=count,
                    sample=sample if count > max(SAMPLED_ABOVE, sample) else None,
                )
            )
    return sorted(found, key=lambda each: (each.interleavings, sum(each.scenario.lengths)))


def _all(workers: int, *, takes_over: bool) -> Iterator[Scenario]:
    yield from _claims()
    yield from _ends()
    yield from _zombies()
    yield from _live()
    yield from _long()
    if takes_over:
        yield from _leases()
    if workers > 2:
        yield from _three()
    if workers > 2 and takes_over:
        yield from _three_leases()


def _scenario(
    title: str,
    *scripts: str,
    exports: tuple[int, ...] = (1,),
    limit: int = 1,
    cap: int = 3,
    one_name: bool = False,
) -> Scenario:
    return Scenario(
        title=title,
        scripts=tuple(map(script, scripts)),
        exports=exports,
        limit=limit,
        cap=cap,
        one_name=one_name,
    )


def _claims() -> Iterator[Scenario]:
    two = ("claim+", "claim+")
    yield _scenario("two claims, one export", *two)
    yield _scenario("two claims, two exports", *two, exports=(2,))
    yield _scenario("two claims where one fills the cap", *two, exports=(2,), cap=1)
    yield _scenario("two batches beyond the cap", *two, exports=(4,), limit=2)
    yield _scenario("two batches over two organizations", *two, exports=(2, 2), limit=3, cap=1)
    yield _scenario("a batch filled by two organizations", *two, exports=(2, 2), limit=3, cap=2)
    yield _scenario("a claim that is rolled back", "claim-", "claim+")
    yield _scenario("a batch that is rolled back", "claim-", "claim+", exports=(3,), limit=2, cap=2)
    yield _scenario("each claims twice", "claim+ claim+", "claim+ claim+", exports=(4,), cap=2)


def _ends() -> Iterator[Scenario]:
    for kind in (Kind.COMPLETE, Kind.FAIL, Kind.RELEASE):
        end = kind.value
        freed = f"claim {end}+", "claim+"
        yield _scenario(f"{end} makes room under the cap", *freed, exports=(2,), cap=1)
        yield _scenario(
            f"claim and {end}, twice", f"claim+ {end}+", f"claim+ {end}+", exports=(2,), cap=1
        )
        yield _scenario(f"{end} that is rolled back", f"claim {end}-", "claim+")
        for late in OWNER_KINDS:
            yield _scenario(f"{late} after {end}", f"claim {end} {late}", "claim")
    yield _scenario("batches that end", "claim complete+", "claim complete+", exports=(4,), limit=2)


def _zombies() -> Iterator[Scenario]:
    for kind in OWNER_KINDS:
        late = kind.value
        yield _scenario(f"{late} of a zombie", f"claim {late}", "reclaim claim")
        yield _scenario(
            f"{late} of a zombie of the same name", f"claim {late}", "reclaim claim", one_name=True
        )
        yield _scenario(f"{late} meets recovery", f"claim {late}+", "reclaim+")
        yield _scenario(f"{late} meets the next claim", f"claim {late}+", "reclaim claim+")
        yield _scenario(f"{late} of a zombie, held", f"claim {late}+", "reclaim+ claim+")
        yield _scenario(
            f"{late} after the successor's end", f"claim {late}", "reclaim claim complete"
        )
        yield _scenario(f"two ends, one {late}", f"claim {late}+", "reclaim claim complete+")
    yield _scenario("attempts run out", "claim reclaim claim reclaim claim", "reclaim complete")
    yield _scenario("recovery that is rolled back", "claim complete", "reclaim- claim")


def _live() -> Iterator[Scenario]:
    yield _scenario("recovery of a new claim", "claim+", "recover+")
    yield _scenario("a claim after a silence", "claim", "age claim")
    for late in OWNER_KINDS:
        yield _scenario(f"{late} after a silence", f"claim {late}", "age recover")
    yield _scenario("heartbeat against recovery", "claim heartbeat+", "age recover+")
    yield _scenario("heartbeat, then two recoveries", "claim heartbeat+", "age recover recover")
    yield _scenario("a live owner goes on", "claim heartbeat+ complete", "age recover+ claim")
    for kind in (Kind.COMPLETE, Kind.FAIL, Kind.RELEASE):
        yield _scenario(f"{kind} against recovery", f"claim {kind}+", "age recover+ claim")
    yield _scenario("two recoveries", "claim recover+", "age recover+ claim+")


def _leases() -> Iterator[Scenario]:
    """Claims take over what has run out, without a recovery before them."""
    yield _scenario("two claims of what has run out", "claim claim+", "age claim+")
    yield _scenario("a takeover that is rolled back", "claim", "age claim- claim")
    yield _scenario("claims of what has not run out", "claim+ claim", "claim+", exports=(2,))
    for kind in OWNER_KINDS:
        late = kind.value
        yield _scenario(f"{late} after a takeover", f"claim {late}", "age claim")
        yield _scenario(
            f"{late} after a takeover, one name", f"claim {late}", "age claim", one_name=True
        )
        yield _scenario(f"{late} meets a takeover", f"claim {late}+", "age claim+")
        yield _scenario(f"{late} after the new owner's end", f"claim {late}", "age claim complete")
        yield _scenario(
            f"two ends after a takeover, one {late}", f"claim {late}+", "age claim complete+"
        )
    yield _scenario("a heartbeat, then a claim", "claim heartbeat+", "age claim claim")
    yield _scenario("an owner in time goes on", "claim heartbeat+ complete", "age claim+")
    yield _scenario("two takeovers", "claim age claim", "age claim complete")
    yield _scenario(
        "batches and a takeover", "claim+ complete+", "age claim+", exports=(2, 1), limit=2, cap=2
    )
    yield _scenario("a life and a takeover", "claim+ heartbeat+ complete+", "age claim+ complete+")


def _three_leases() -> Iterator[Scenario]:
    for kind in OWNER_KINDS:
        late = kind.value
        yield _scenario(f"{late} among two takeovers", f"claim {late}+", "age claim+", "claim+")
    yield _scenario("two takeovers of a live one", "claim heartbeat+", "age claim+", "claim+")


def _long() -> Iterator[Scenario]:
    life = "claim+ heartbeat+ complete+"
    yield _scenario("two lives", life, life, exports=(2,), cap=1)
    yield _scenario("a life and its successor's", life, "reclaim+ claim+ complete+")
    yield _scenario(
        "a life that fails and its successor's", "claim+ fail+", "reclaim+ claim+ complete+"
    )
    yield _scenario(
        "two exports, one recovered", "claim+ complete+", "reclaim+ claim+ complete+",
        exports=(2,), cap=1,
    )  # fmt: skip
    yield _scenario(
        "batches and recovery", "claim+ complete+", "reclaim+ claim+ release+",
        exports=(2, 1), limit=2, cap=2,
    )  # fmt: skip


def _three() -> Iterator[Scenario]:
    three = ("claim+",) * 3
    yield _scenario("three claims, one export", *three)
    yield _scenario("three claims under a cap of two", *three, exports=(3,), cap=2)
    yield _scenario("three claims over two organizations", *three, exports=(2, 2), limit=2, cap=1)
    yield _scenario("three batches", *three, exports=(5,), limit=2)
    for kind in OWNER_KINDS:
        late = kind.value
        yield _scenario(
            f"{late} of a zombie, another recovers", f"claim {late}", "reclaim", "claim"
        )
        yield _scenario(
            f"{late} of a zombie among three", f"claim {late}+", "reclaim+", "claim complete"
        )
    yield _scenario(
        "an end makes room for two", "claim complete+", "claim+", "claim+", exports=(3,), cap=1
    )
    yield _scenario("two recoveries of a live one", "claim heartbeat+", "age recover+", "recover+")
    yield _scenario(
        "two lives and a recovery", "claim complete+", "claim complete+", "reclaim+ claim"
    )
    yield _scenario("three who end", *("claim+ complete+",) * 3, exports=(3,), cap=2)
    yield _scenario(
        "two lives and a recovery, all held",
        "claim+ complete+", "claim+ complete+", "reclaim+ claim+", exports=(2,), cap=1,
    )  # fmt: skip
    yield _scenario(
        "everything", "claim+ heartbeat+ complete+", "reclaim+ claim+ fail+", "claim+ complete+",
        exports=(2,), cap=1,
    )  # fmt: skip
