"""`python -m tests.hostile.report`: run every case and write docs/hostile-backend.md."""

import asyncio
import os
import platform
import re
import sys
import tempfile
import time
from pathlib import Path

from tests.hostile.cases import CASES
from tests.hostile.measured import Measured, measure_all

PAGE = Path(__file__).parents[2] / "docs" / "hostile-backend.md"

HEADING = """# What a hostile backend does to the harness

Each line is one run of the real command, `shakedown run --target FILE --only CHECK`, against a
server that misbehaves in one way (`tests/hostile/`). Verdict, time and peak memory (the largest
resident set of its processes) are those of the whole command; its message has the reason.
`tests/hostile/test_hostile.py` holds every run to the bounds; those of time are generous, for busy
machines.

The limits that the harness sets:

- A request has one deadline from its first byte to the last of its answer (10 s unless the check
  says otherwise), however slowly bytes come.
- An answer may have 4 MiB, or 96 MiB where the OpenAPI document lets the operation answer with a
  file; the answers that a check holds may have 384 MiB together.
- A head ends at 8 KiB a line and 128 headers; a list at 100 pages, at 8 MiB, or at a cursor that
  was there before; a ZIP at 256 MiB unpacked and 20,000 entries.
- A body is decompressed only if the request accepted compression. JSON is refused where parsers
  read it differently: duplicate names, half surrogate pairs, NaN, numbers of thousands of digits.
- Redirects are shown, never followed; certificates are always checked; no cookie is kept.
- Everything that is printed or written goes through `harness/untrusted/sanitizing.py`, which shows
  control characters, direction overrides and workflow commands instead of letting them act.
"""

TABLE = "\n| case | check | verdict | seconds (bound) | peak MB (bound) |\n|---|---|---|---|---|\n"


def main() -> int:
    """Write the page; give 1 if a case has another verdict, reason, time or memory than it must."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="shakedown-hostile-") as folder:
        measured = asyncio.run(measure_all(CASES, Path(folder) / "runs"))
    wrong = [each for each in measured.values() if not _is_right(each)]
    for each in wrong:
        sys.stderr.write(f"{each.case.name}: {each.verdict}: {each.message}{each.stderr}\n")
    if wrong:
        return 1
    rows = "".join(f"{_row(measured[case.name])}\n" for case in CASES)
    where = f"CPython {platform.python_version()}, {os.cpu_count()} cores"
    total = f"\n{len(CASES)} cases, {time.monotonic() - began:.0f} s for all of them ({where}).\n"
    PAGE.write_text(HEADING + total + TABLE + rows, encoding="utf-8")
    return 0


def _is_right(got: Measured) -> bool:
    case = got.case
    return (
        got.verdict == case.verdict
        and re.search(case.reason, got.message) is not None
        and got.seconds < case.seconds
        and got.peak_mb < case.megabytes
    )


def _row(got: Measured) -> str:
    case = got.case
    seconds = f"{got.seconds:.1f} ({case.seconds:g})"
    megabytes = f"{got.peak_mb} ({case.megabytes})"
    return f"| {case.name} | `{case.check}` | {got.verdict} | {seconds} | {megabytes} |"


if __name__ == "__main__":
    sys.exit(main())
