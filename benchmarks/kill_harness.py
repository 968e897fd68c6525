"""How often nothing is left of a harness that was killed with SIGKILL at a random moment of its faults.

`python -m benchmarks.kill_harness 50`: one line for each moment, then how many were clean. Ends with 1 unless all were.
"""

import sys
from collections import Counter

from tests.chaos.killed_harness.kill import kill_at_a_random_moment


def main(times: int, seed: str) -> int:
    """Kill so many harnesses, one after the other."""
    moments: Counter[str] = Counter()
    clean = 0
    for number in range(times):
        killed = kill_at_a_random_moment(f"{seed}-{number}")
        moments[killed.moment] += 1
        is_clean = not killed.still_there and not killed.problems
        clean += is_clean
        kinds = Counter(each.partition(" ")[0] for each in killed.left)
        left = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        print(
            f"{number + 1:3} {'clean' if is_clean else 'NOT CLEAN'}  {killed.moment}  (left before: {left})",
            flush=True,
        )
        for each in (*killed.still_there, *killed.problems):
            print(f"      {each}", flush=True)
    print(f"{clean} of {times} clean, {len(moments)} different moments")
    return 0 if clean == times else 1


if __name__ == "__main__":
    sys.exit(
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 50, sys.argv[2] if len(sys.argv) > 2 else "7"
        )
    )
