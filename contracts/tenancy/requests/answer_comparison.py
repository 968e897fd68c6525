"""Whether two answers are alike in everything that could tell that something exists.

What differs between two answers about random ids (a time, a counter, a trace id) says nothing, so
whatever differs at first is asked again: only what all answers about absent things have in common,
and none about the foreign thing has, tells them apart.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from contracts.shared.tenants.populated_tenant import UUID_TEXT
from contracts.tenancy.requests.request_shapes import PreparedRequest
from harness.client import Answer
from harness.errors import CheckFailed

SAYS_NOTHING = frozenset({"date", "x-request-id", "content-length", "keep-alive", "connection"})
"""Headers that say nothing about the resource."""

ROUNDS = 4
A_RANDOM_ID = "a random id"

Facets = Mapping[str, str]
Asked = Callable[[], Awaitable[tuple[PreparedRequest, Answer]]]


async def expect_indistinguishable(
    foreign: Asked, absent: Asked, what: str, *, than: str = A_RANDOM_ID
) -> None:
    """Fail when asking about one thing can be told from asking about another that nobody has."""
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
                expected=f"{what} to answer as {than} does: {name} {_shown(*usual)}",
                got=f"{name} {_shown(seen[0][0].get(name))} in {seen[0][1].describe()}",
                detail=f"about {than}: {random[0][1].describe()}",
            )


def content_of(answer: Answer) -> object:
    """What was answered, without regard to how JSON is laid out."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    return answer.json if kind.endswith("json") else answer.body


def facets(request: PreparedRequest, answer: Answer) -> Facets:
    """Everything that an answer says, by where it says it, ids and what was asked left out."""
    neutral = _neutraliser(request, answer)
    found = {"status": str(answer.status)}
    for name, value in answer.headers.items():
        if name.lower() not in SAYS_NOTHING:
            found[f"header {name.lower()}"] = neutral(value)
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        found["body"] = neutral(answer.text)
    else:
        found |= {f"body {where or '/'}": neutral(value) for where, value in _leaves(document)}
    return found


def _neutraliser(request: PreparedRequest, answer: Answer) -> Callable[[str], str]:
    own = {answer.request_id, *request.path.split("/")} - {""}
    long = sorted((text for text in own if len(text) >= 8), key=len, reverse=True)

    def neutral(text: str) -> str:
        text = UUID_TEXT.sub("(id)", text)
        for told in long:
            text = text.replace(told, "(id)")
        return text

    return neutral


def _leaves(document: Any, where: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Every value of a document as text with its type, and every object and array as such."""
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
    """The status first, then headers before the body: what is wrong with the least words."""
    names = [name for name in left.keys() | right.keys() if left.get(name) != right.get(name)]
    return sorted(names, key=lambda name: (name != "status", not name.startswith("header"), name))


def _shown(value: str | None) -> str:
    return "(none)" if value is None else repr(value[:200])
