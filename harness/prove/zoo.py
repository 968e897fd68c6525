"""What defects a target can switch on: read from the program that the target file names.

The harness never imports the backend. A backend with a zoo names a command that prints its defects
as a JSON list of `{id, title, family, source, expected}`, and the environment variable that
switches one of them on.
"""

import asyncio
from dataclasses import dataclass

import orjson

from harness.errors import Misconfigured

_LIST_DEADLINE_S = 30


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One seeded bug.

    `family` is the first part of the check ids that it breaks, `source` where it was seen
    in practice, and `expected` the ids of the checks that must catch it: at least one must fail.
    """

    id: str
    title: str
    family: str
    source: str
    expected: tuple[str, ...]


async def read_zoo(command: tuple[str, ...], directory: str | None = None) -> tuple[Defect, ...]:
    """Ask the target's program, which runs in `directory`, for its defects.

    Raises `Misconfigured` when the program could not be started, failed, took too long, or printed
    something else.
    """
    what = f"the zoo's list command ({' '.join(command)})"
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=directory,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise Misconfigured(f"{what} could not be started: {error}") from error
    try:
        async with asyncio.timeout(_LIST_DEADLINE_S):
            printed, complaints = await process.communicate()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise Misconfigured(f"{what} did not end within {_LIST_DEADLINE_S} s") from error
    if process.returncode != 0:
        tail = complaints.decode(errors="replace").strip().splitlines()[-5:]
        raise Misconfigured(f"{what} ended with {process.returncode}: {' | '.join(tail)}")
    return parse_zoo(printed, what=what)


def parse_zoo(printed: bytes, *, what: str) -> tuple[Defect, ...]:
    """Read the list that a zoo's command printed.

    Raises `Misconfigured` when it is not a JSON list of defects, an id stands twice, or a defect
    expects no check.
    """
    expectation = "expected a JSON list of {id, title, family, source, expected: [check ids]}"
    try:
        rows = orjson.loads(printed)
        defects = tuple(
            Defect(
                id=str(row["id"]),
                title=str(row["title"]),
                family=str(row["family"]),
                source=str(row["source"]),
                expected=tuple(str(check) for check in row["expected"]),
            )
            for row in rows
        )
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Misconfigured(f"{what}: {expectation}, got {error!r}") from error
    seen: set[str] = set()
    for defect in defects:
        if defect.id in seen:
            raise Misconfigured(f"{what}: the defect {defect.id!r} is listed twice")
        if not defect.expected:
            raise Misconfigured(
                f"{what}: the defect {defect.id!r} names no check that must catch it"
            )
        seen.add(defect.id)
    return defects
