"""A harness that injects one fault after the other until it is killed.

`python -m tests.chaos.killed_harness.harness_process DIRECTORY SEED` prints `begins <label>` before
each fault and `holds <label>` when it is proven, so that whoever kills it can name the moment.
"""

import asyncio
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from chaos.faults.add_toxic import add_toxic
from chaos.faults.crash_database import crash_database
from chaos.faults.exhaust_slots import exhaust_slots
from chaos.faults.fault import Fault, injected
from chaos.faults.half_open import half_open
from chaos.faults.harm_storage import MOUNT, fill_storage, make_storage_read_only
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.hold_session import hold_table
from chaos.faults.kill_instances import kill_instances
from chaos.faults.link import database_link
from chaos.faults.make_read_only import make_read_only
from chaos.faults.pause_instance import pause_instance
from chaos.faults.proof import FaultNotShown
from chaos.faults.skew_clock import FAKETIME, skew_clock
from chaos.faults.stop_instances import stop_instances
from chaos.faults.take_down import take_down
from harness.history import HistoryWriter
from harness.machine.journal import Journal
from harness.network.toxics import Latency
from harness.system import System, launch, launch_sibling
from harness.target import load_target
from harness.target.load import DEFAULT_TARGET

STORAGE_BYTES = 16 * 1024 * 1024


def faults_of(own: System) -> Sequence[Callable[[], Fault]]:
    """Everything that can be done to a system of this machine."""
    database = HarmedDatabase.of(own)
    faults: list[Callable[[], Fault]] = [
        lambda: pause_instance(own, own.workers[0]),
        lambda: pause_instance(own, own.api[0]),
        lambda: kill_instances(own, own.workers),
        lambda: stop_instances(own, own.workers[:1]),
        lambda: add_toxic(database_link(own, own.workers[0]), Latency(latency=50), "upstream"),
        lambda: half_open(own, database_link(own, own.workers[0])),
        lambda: take_down(database_link(own, own.api[0])),
        lambda: crash_database(database, "kill"),
        lambda: crash_database(database),
        lambda: make_read_only(database),
        lambda: exhaust_slots(database),
        lambda: hold_table(database, "exports"),
    ]
    if not MOUNT.missing():
        faults += [lambda: fill_storage(own), lambda: make_storage_read_only(own)]
    if not FAKETIME.missing():
        faults.append(lambda: skew_clock(own, own.api[0], 600))
    return faults


def say(*words: str) -> None:
    """Tell whoever started us where we are."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


async def main(base: Path, seed: str) -> None:
    """Harm a system until somebody kills us."""
    journal = Journal.begin(base)
    rng = random.Random(seed)
    history = HistoryWriter(base / "history.jsonl")
    shared = await launch(load_target(DEFAULT_TARGET), journal=journal, api_instances=0, workers=0)
    own = await launch_sibling(
        shared,
        api_instances=1,
        workers=1,
        proxied=True,
        own_server=True,
        storage_bytes=None if MOUNT.missing() else STORAGE_BYTES,
    )
    say("ready", journal.run_id)
    while True:
        # A second one while the first holds, at times.
        first, second = (rng.choice(faults_of(own))() for _ in range(2))
        say("begins", first.label)
        try:
            async with injected(first, journal=journal, history=history):
                say("holds", first.label)
                if rng.random() < 0.5:
                    say("begins", second.label)
                    async with injected(second, journal=journal, history=history):
                        say("holds", second.label)
        except (FaultNotShown, OSError) as problem:
            say("not shown", str(problem).partition("\n")[0])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
