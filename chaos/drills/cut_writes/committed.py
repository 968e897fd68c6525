"""What an instance commits, as its proxy to the database reads it: which of it can be cut."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from harness.errors import Inconclusive
from harness.network.postgres_conversation import NONE_LOST, AnswerCut
from harness.plugin.fixtures import OwnSystem
from harness.system import Instance

Wanted = Callable[[str], bool]

_CHANGES = re.compile(r"\b(insert\s+into|update|delete\s+from|merge\s+into|call)\b", re.IGNORECASE)
_CALLED = re.compile(r"([a-z_][\w.]*)\s*\(", re.IGNORECASE)
_SHOWN = 60
_VOLATILE = """
SELECT p.proname AS name FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.provolatile = 'v' AND p.prokind IN ('f', 'p')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""


async def changes_of(own: OwnSystem) -> Wanted:
    """Give what says of a statement whether it may change something: by its words, or by a call.

    Of the backend's own functions those that are declared volatile may.
    """
    rows = await own.control_database.fetch(_VOLATILE)
    volatile = {str(row["name"]).lower() for row in rows}

    def is_change(text: str) -> bool:
        if _CHANGES.search(text):
            return True
        called = (each.rpartition(".")[2].lower() for each in _CALLED.findall(text))
        return any(name in volatile for name in called)

    return is_change


@asynccontextmanager
async def noted(own: OwnSystem, instance: Instance, wanted: Wanted) -> AsyncIterator[AnswerCut]:
    """Note, inside the block, what an instance commits (`answered`); every answer is passed on.

    `Inconclusive` where its connections to the database do not lead through a proxy of ours.
    """
    network = own.system.network
    if network is None or instance.name not in network.cuts:
        raise Inconclusive(
            f"{instance.name} does not reach its database through a proxy of the harness: it is "
            "unknown what it commits"
        )
    noting = AnswerCut(wanted=wanted, after=NONE_LOST)
    network.cuts[instance.name].append(noting)
    try:
        yield noting
    finally:
        network.cuts[instance.name].remove(noting)


def once_only(commits: Sequence[Sequence[str]], is_change: Wanted) -> Sequence[str]:
    """Give a statement of each transaction that was committed once: no heartbeats, no sweeps.

    It stands in no other one of them.
    """
    changes = [tuple(each for each in one if is_change(each)) for one in commits]
    counted = Counter(changes)
    within = Counter(each for one in counted for each in set(one))
    found = (
        next((each for each in one if within[each] == 1), None)
        for one, times in counted.items()
        if times == 1
    )
    return [each for each in found if each is not None]


def shown(statement: str) -> str:
    """Give a statement as messages and cells call it."""
    return statement if len(statement) <= _SHOWN else f"{statement[:_SHOWN]}…"
