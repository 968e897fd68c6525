"""How long until a whole system is ready: `python benchmarks/bring_up.py [runs]`.

Each run brings up PostgreSQL, migrates, starts three API instances and two workers, waits until all are ready and
takes everything down again. The first run fills the cluster template's cache and is not counted. Beside it, in the
same loop, a peer: the bare interpreter start and import that five such processes cost on this machine with nothing
else, so that figures of different machines can be compared as a ratio.
"""

import asyncio
import statistics
import subprocess
import sys
import time

from harness.machine.journal import Journal
from harness.recovery.healing import end_run
from harness.system.launch import launch
from harness.target.load import load_target

_IMPORTS = {
    "api": "import aiohttp.web, psycopg_pool, jwt, prometheus_client",
    "worker": "import psycopg_pool, prometheus_client",
}


async def bring_up() -> float:
    """Seconds from nothing to everything ready."""
    journal = Journal.begin()
    try:
        system = await launch(load_target(None), journal=journal)
        try:
            return system.bring_up_seconds
        finally:
            await system.close()
    finally:
        end_run(journal)


def bare_processes() -> float:
    """Seconds until three API-like and two worker-like interpreters, started side by side, have imported."""
    began = time.perf_counter()
    roles = ["api"] * 3 + ["worker"] * 2
    running = [subprocess.Popen([sys.executable, "-c", _IMPORTS[role]]) for role in roles]
    for process in running:
        process.wait(timeout=60)
    return time.perf_counter() - began


def main() -> None:
    """Print the medians and their ratio."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    asyncio.run(bring_up())
    pairs = [(asyncio.run(bring_up()), bare_processes()) for _ in range(runs)]
    ours, bare = ([pair[side] for pair in pairs] for side in (0, 1))
    for name, values in (("whole system", ours), ("five bare processes", bare)):
        print(
            f"{name:20} median {statistics.median(values):.2f} s  min {min(values):.2f}  max {max(values):.2f}"
        )
    ratio = statistics.median(one / other for one, other in pairs)
    print(f"ratio of the pairs, median {ratio:.2f} ({runs} runs)")


if __name__ == "__main__":
    main()
