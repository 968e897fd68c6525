"""The options of the case generator, and its process."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from contracts.conformance.fuzzing.case import Case
from harness.errors import Inconclusive
from harness.machine.directories import cache_dir

LINE_BYTES = 4 * 1024 * 1024
_SHOWN_ERROR = 2000


@dataclass(frozen=True, kw_only=True)
class GeneratorOptions:
    """Which cases to generate."""

    document: Mapping[str, Any]
    seed: int
    examples: int
    """Random cases per operation at most; fewer where there are fewer different ones."""
    coverage: bool = True
    """Also the document's examples, and every boundary and single violation of its schemas."""
    positive_only: bool = False
    """Only valid random cases with the tenant's own ids."""

    def to_json(self) -> str:
        """The options as one line of JSON for the generator."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`."""
        return cls(**json.loads(text))


async def generate_cases(options: GeneratorOptions) -> AsyncGenerator[Case, None]:
    """Generate cases in another process, one at a time.

    Raises `Inconclusive` when the generator fails. The process ends with the iteration.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "contracts.conformance.fuzzing.generate"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
        env={
            **os.environ,
            "PYTHONHASHSEED": "0",
            # Hypothesis keeps its Unicode tables here; building them takes a second.
            "HYPOTHESIS_STORAGE_DIRECTORY": str(cache_dir() / "hypothesis"),
        },
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.ensure_future(process.stderr.read())
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(options.to_json().encode())
            await process.stdin.drain()
        process.stdin.close()
        async for line in process.stdout:
            yield Case.from_plain(json.loads(line))
        if await process.wait():
            shown = (await errors).decode(errors="replace")[-_SHOWN_ERROR:]
            raise Inconclusive(
                f"the case generator failed with exit code {process.returncode}: {shown}"
            )
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        errors.cancel()
        await asyncio.gather(errors, return_exceptions=True)
