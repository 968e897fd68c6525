"""Compare answers: a foreign id must be indistinguishable from a random id.

Some parts differ between any two answers (a time, a counter, a trace id). So both requests are
repeated, and only a part that is equal in all answers for random ids, and different in all answers
for the foreign id, counts as a difference.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from contracts.shared.tenants.populated_tenant import UUID_TEXT
from contracts.tenancy.requests.request_shapes import PreparedRequest
from harness.client import Answer
from harness.errors import CheckFailed

IGNORED_HEADERS = frozenset({"date", "x-request-id", "content-length", "keep-alive", "connection"})
"""Headers that do not depend on the resource."""

ROUNDS = 4
A_RANDOM_ID = "a random id"

Facets = Mapping[str, str]
Asked = Callable[[], Awaitable[tuple[PreparedRequest, Answer]]]


async def expect_indistinguishable(
    foreign: Asked, absent: Asked, what: str, *, than: str = A_RANDOM_ID
) -> None:
    """Fail if the answers for a foreign id can be distinguished from those for a random id."""
    seen = [await _facets_and_answer(foreign)]
    random = [await _facets_and_answer(absent)]
    if not _differing(seen[0][0], random[0][0]):
        return
    for _ in range(ROUNDS - 1):
        random.append(await _facets_and_answer(absent))
        seen.append(await _facets_and_answer(foreign))
    for name in _differing(seen[0][0], random[0][0]):
        usual = {facets.get(name) for facets, _ in random}
        ours = {facets.get(name) for facets, _ in seen}
        if len(usual) == 1 and not usual & ours:
            raise CheckFailed(
                expected=f"{what} to get the answer for {than}: {name} {_shown(*usual)}",
                got=f"{name} {_shown(seen[0][0].get(name))} in {seen[0][1].describe()}",
                detail=f"about {than}: {random[0][1].describe()}",
                rule="tenancy.foreign-looks-unknown",
                subject=seen[0][1].operation_id,
            )


def content_of(answer: Answer) -> object:
    """The content of an answer; JSON without its layout. A redirect's is at its address."""
    if answer.is_redirect:
        return "a redirect to the bytes"
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    return answer.json if kind.endswith("json") else answer.body


def facets(request: PreparedRequest, answer: Answer) -> Facets:
    """Every part of an answer by its place, with ids and parts of the request replaced."""
    normalize = _normalizer(request, answer)
    found = {"status": str(answer.status)}
    for name, value in answer.headers.items():
        if name.lower() not in IGNORED_HEADERS:
            found[f"header {name.lower()}"] = normalize(value)
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        found["body"] = normalize(answer.text)
    else:
        found |= {f"body {where or '/'}": normalize(value) for where, value in _leaves(document)}
    return found


def _normalizer(request: PreparedRequest, answer: Answer) -> Callable[[str], str]:
    own = {answer.request_id, *request.path.split("/")} - {""}
    long = sorted((text for text in own if len(text) >= 8), key=len, reverse=True)

    def normalize(text: str) -> str:
        text = UUID_TEXT.sub("(id)", text)
        for known in long:
            text = text.replace(known, "(id)")
        return text

    return normalize


def _leaves(document: Any, where: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Every value of a document as JSON, and the size of arrays."""
    if isinstance(document, dict):
        yield where, "{}"
        for name, member in document.items():
            yield from _leaves(member, f"{where}/{UUID_TEXT.sub('(id)', name)}")
    elif isinstance(document, list):
        yield where, f"[{len(document)}]"
        for number, each in enumerate(document):
            yield from _leaves(each, f"{where}/{number}")
    else:
        yield where, json.dumps(document, ensure_ascii=False)


async def _facets_and_answer(asked: Asked) -> tuple[Facets, Answer]:
    request, answer = await asked()
    return facets(request, answer), answer


def _differing(left: Facets, right: Facets) -> Sequence[str]:
    """The names of different parts: the status first, then headers, then the body."""
    names = [name for name in left.keys() | right.keys() if left.get(name) != right.get(name)]
    return sorted(names, key=lambda name: (name != "status", not name.startswith("header"), name))


def _shown(value: str | None) -> str:
    return "(none)" if value is None else repr(value[:200])
