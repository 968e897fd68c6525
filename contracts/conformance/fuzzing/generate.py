"""Cases from an OpenAPI document, one JSON line each.

Run as `python -m contracts.conformance.fuzzing.generate`.

It is a process of its own, because schemathesis keeps hooks and media types per process, takes a
quarter of a second to load, and generating would block the loop that sends the cases. It reads
`GeneratorOptions` as JSON from standard input. The same options give the same lines.
"""

import json
import random
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.result import Err
from schemathesis.generation import GenerationMode
from schemathesis.generation.drivers import CoverageGenerator, ExamplesGenerator
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.overrides import Override

from contracts.conformance.fuzzing.case import Case, slot
from contracts.conformance.fuzzing.generator_process import GeneratorOptions
from harness.client import ALLOWED_TYPES, Samples

BASE_URL = "http://generated"
SENDERS_HEADERS = frozenset(
    {
        *("authorization", "user-agent", "accept-encoding", "accept", "connection"),
        *("content-length", "x-schemathesis-testcaseid", "host", "transfer-encoding", "te"),
        *("expect", "upgrade", "trailer", "content-encoding", "cookie"),
    }
)
"""Headers that the sender sets; generated values are dropped."""

OWN, FOREIGN = 0.72, 0.14
"""How often a valid id becomes the id of a real thing; the others stay unknown ids."""

LARGEST_SLOT = 1000


class CaseGenerator:
    """Generates cases for the operations of one document."""

    def __init__(self, options: GeneratorOptions) -> None:
        config = schemathesis.Config.from_dict({"generation": {"database": "none"}})
        self._schema = schemathesis.openapi.from_dict(_unsecured(options.document), config=config)
        self._options = options
        self._number = 0
        _register_files(options.seed)

    def cases(self) -> Iterator[Case]:
        """All cases, operation by operation."""
        for found in self._schema.get_all_operations():
            if isinstance(found, Err):
                raise found.err()
            operation = found.ok()
            operation_id = operation.definition.raw.get("operationId")
            if operation_id is None:
                continue
            # One random generator per operation: a new operation does not change others' cases.
            rng = random.Random(f"{self._options.seed}:{operation_id}")
            for phase, case in self._generated(operation, operation_id):
                if (encoded := self._encoded(case, phase, operation_id, rng)) is not None:
                    yield encoded

    def _generated(self, operation: Any, operation_id: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
        options = self._options
        if options.coverage:
            examples = ExamplesGenerator(
                operation=operation, override=Override(), feedback=NO_FEEDBACK, fill_missing=False
            )
            yield from (("examples", case) for case in examples)
            generation = operation.schema.config.generation_for(
                operation=operation, phase="coverage"
            )
            coverage = CoverageGenerator(
                operation=operation,
                generation_modes=generation.modes,
                generation_config=generation,
                auth_storage=None,
                override=Override(),
                feedback=NO_FEEDBACK,
            )
            yield from (("coverage", case) for case in coverage)
        if options.examples:
            yield from (
                ("fuzzing", case)
                for case in _fuzzed(
                    operation,
                    options.examples,
                    f"{options.seed}:{operation_id}",
                    options.positive_only,
                )
            )

    def _encoded(
        self,
        case: Any,  # noqa: ANN401 - schemathesis.Case
        phase: str,
        operation_id: str,
        rng: random.Random,
    ) -> Case | None:
        """The case as it is sent, with slots for ids; None if it cannot be sent."""
        meta = case.meta
        positive = meta.generation.mode is GenerationMode.POSITIVE  # before slots change the body
        _put_slots(case, rng, all_own=self._options.positive_only)
        try:
            request = requests.Request(
                **self._schema.transport.serialize_case(case, base_url=BASE_URL)
            ).prepare()
        except (ValueError, UnicodeError, requests.RequestException):
            return None
        body = request.body
        headers = {name: _text(value) for name, value in request.headers.items()}
        content = body.encode() if isinstance(body, str) else body
        if content is not None:
            assert isinstance(content, bytes), "a generated body is text or bytes"
            content = _with_fixed_boundary(content, headers)
        url = urlsplit(str(request.url))
        self._number += 1
        _use_key_once(headers, self._number)
        return Case(
            number=self._number,
            operation_id=operation_id,
            phase=phase,
            positive=positive,
            about=str(meta.phase.data.description or phase),
            method=str(request.method),
            target=url.path + (f"?{url.query}" if url.query else ""),
            headers=tuple(
                (name, value)
                for name, value in headers.items()
                if name.lower() not in SENDERS_HEADERS
            ),
            body=content,
        )


def _unsecured(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without security: the sender adds tokens, so no cases are spent on them."""
    paths = {
        template: {
            method: {**node, "security": []}
            if isinstance(node, dict) and "responses" in node
            else node
            for method, node in item.items()
        }
        for template, item in document["paths"].items()
    }
    return {**document, "security": [], "paths": paths}


def _fuzzed(operation: Any, count: int, name: str, positive_only: bool) -> list[Any]:  # noqa: ANN401
    modes = [GenerationMode.POSITIVE] if positive_only else list(GenerationMode)
    strategy = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])
    drawn: list[Any] = []

    @seed(int.from_bytes(random.Random(name).randbytes(8)))
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(case: Any) -> None:  # noqa: ANN401
        drawn.append(case)

    draw()
    return drawn


def _put_slots(
    case: Any,  # noqa: ANN401 - schemathesis.Case
    rng: random.Random,
    *,
    all_own: bool,
) -> None:
    """Replace most well-formed ids by slots for real ids."""
    for container in (case.path_parameters, case.query, case.body):
        if not isinstance(container, dict):
            continue
        for name in sorted(name for name in container if isinstance(name, str)):
            if name.endswith("_id") and _ID.fullmatch(str(container[name])):
                drawn, number = rng.random(), rng.randrange(LARGEST_SLOT)
                if drawn < OWN or all_own:
                    container[name] = slot("own", name, number)
                elif drawn < OWN + FOREIGN:
                    container[name] = slot("foreign", name, number)


def _use_key_once(headers: dict[str, str], number: int) -> None:
    """Make a plain key unique: generated keys are short and would soon repeat."""
    for name, key in headers.items():
        if name.lower() == "idempotency-key" and _PLAIN_KEY.fullmatch(key):
            headers[name] = f"{key}-{number}"


_PLAIN_KEY = re.compile(r"[!#-~]{1,200}")
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BOUNDARY = re.compile(rb"--([0-9a-f]{32})(?:--)?\r\n")
FIXED_BOUNDARY = "shakedown-generated-boundary"


def _with_fixed_boundary(content: bytes, headers: dict[str, str]) -> bytes:
    """A form with a fixed boundary; the library chooses a random one."""
    found = _BOUNDARY.match(content)
    if found is None:
        return content
    for name, value in headers.items():
        headers[name] = value.replace(found[1].decode(), FIXED_BOUNDARY)
    return content.replace(found[1], FIXED_BOUNDARY.encode())


def _register_files(number: int) -> None:
    """Register the media types of evidence, with real files that differ."""
    for mime_type in ALLOWED_TYPES:

        def make(note: int, mime_type: str = mime_type) -> bytes:
            rng = random.Random(f"{number}:{note}")
            return Samples(rng, repeatable=True).new(mime_type).content

        schemathesis.openapi.media_type(mime_type, st.integers(0, 2**32).map(make))


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def main() -> int:
    """Read options from standard input and write cases to standard output."""
    options = GeneratorOptions.from_json(sys.stdin.read())
    try:
        for case in CaseGenerator(options).cases():
            sys.stdout.write(json.dumps(case.to_plain(), separators=(",", ":")) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        return 1  # the reader has stopped
    return 0


if __name__ == "__main__":
    sys.exit(main())
