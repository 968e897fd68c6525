"""What is asked of the generator, and its process."""

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
_LAST_WORDS = 2000


@dataclass(frozen=True, kw_only=True)
class GeneratorOptions:
    """Which cases are wanted."""

    document: Mapping[str, Any]
    seed: int
    examples: int
    """Random cases for each operation, at most: what can be drawn in fewer ways gives fewer."""
    coverage: bool = True
    """Also the document's examples, and every boundary and every single mistake of its schemas."""
    positive_only: bool = False
    """Only random cases that the document allows, and about the tenant's own things."""

    def to_json(self) -> str:
        """Give it as one line for the generator."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Rebuild what `to_json` gave."""
        return cls(**json.loads(text))


async def generate_cases(options: GeneratorOptions) -> AsyncGenerator[Case, None]:
    """The cases of an order as they are drawn, from a process of its own.

    Raises `Inconclusive` when the generator cannot do it. The process ends with the iteration.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "contracts.conformance.fuzzing.generate"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
        env={
            **os.environ,
            "PYTHONHASHSEED": "0",
            # Where Hypothesis keeps its tables of Unicode, which take it a second to make.
            "HYPOTHESIS_STORAGE_DIRECTORY": str(cache_dir() / "hypothesis"),
        },
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    words = asyncio.ensure_future(process.stderr.read())
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(options.to_json().encode())
            await process.stdin.drain()
        process.stdin.close()
        async for line in process.stdout:
            yield Case.from_plain(json.loads(line))
        if await process.wait():
            said = (await words).decode(errors="replace")[-_LAST_WORDS:]
            raise Inconclusive(f"the generator of cases ended with {process.returncode}: {said}")
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        words.cancel()
        await asyncio.gather(words, return_exceptions=True)
