"""Variants of a request with a foreign id, each of which could show that the thing exists."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from contracts.shared.tenants.operations import Operation
from contracts.shared.tenants.populated_tenant import PopulatedTenant
from contracts.tenancy.requests.answer_comparison import Asked, expect_indistinguishable
from contracts.tenancy.requests.matrix import Matrix, Question
from contracts.tenancy.requests.personas import Persona
from contracts.tenancy.requests.request_shapes import PreparedRequest, RequestShape
from harness.client import Answer
from harness.expect import expect

Variant = Callable[[PreparedRequest], PreparedRequest]

SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "in upper case": str.upper,
    "without hyphens": lambda text: text.replace("-", ""),
    "in braces": lambda text: "{" + text + "}",
    "as a URN": lambda text: f"urn:uuid:{text}",
    "with a NUL byte": lambda text: f"{text}\0",
    "with a space": lambda text: f"{text} ",
    "with a suffix": lambda text: f"{text}.json",
    "behind another path": lambda text: f"x/../{text}",
}
"""Spellings that a lenient parser may accept as the same id."""

OWNERS_KEY = "a repetition with the owner's Idempotency-Key"
"""Only for the foreign id: one key for two jobs is an error of another kind."""

OTHER_METHODS = ("PUT", "PATCH", "DELETE", "POST")


def variants(
    shape: RequestShape, owner: PopulatedTenant, others: frozenset[str]
) -> Iterator[tuple[str, Variant]]:
    """Variants by name; `others` are methods that the path does not have."""
    operation = shape.operation
    if operation.route.method == "GET":
        yield "HEAD", _with_method("HEAD")
        yield "If-None-Match: *", _with_headers({"if-none-match": "*"})
        yield "If-Match: *", _with_headers({"if-match": "*"})
    if operation.takes_range:
        for wanted in ("bytes=0-0", "bytes=-1", "bytes=999999999-"):
            yield f"Range: {wanted}", _with_headers({"range": wanted})
    if operation.lists:
        yield "limit=0", _with_query({"limit": 0})
        yield "limit=1", _with_query({"limit": 1})
    if "idempotency-key" in shape.headers:
        yield OWNERS_KEY, _with_headers({"idempotency-key": owner.key})
    if operation.writes:
        yield "no body", _empty
        yield "a body that is not JSON", _with_bad_body
    for method in sorted(others):
        yield method, _with_method(method)


def untaken_methods(operations: tuple[Operation, ...], template: str) -> frozenset[str]:
    """The methods of `OTHER_METHODS` that no operation of this path has."""
    taken = {one.route.method for one in operations if one.route.template == template}
    return frozenset(OTHER_METHODS) - taken


async def expect_variant_indistinguishable(
    matrix: Matrix,
    question: Question,
    persona: Persona,
    instance: int,
    *,
    name: str,
    variant: Variant,
) -> None:
    """Look at one variant: it must not succeed, nor tell a foreign id from a random one."""
    what = f"{question}, as {name}"
    varied = "+".join(slot.name for slot in question.varied)

    def asking(request: PreparedRequest) -> Asked:
        async def asked() -> tuple[PreparedRequest, Answer]:
            answer = await request.send(persona.client, instance)
            _expect_refusal(question, answer, what)
            return request, answer

        return asked

    async with matrix.cells.of(
        operation=question.shape.operation.id, id=f"foreign {varied}", variant=name
    ):
        random = matrix.request(question, "absent")
        await expect_indistinguishable(
            asking(variant(matrix.request(question, "foreign"))),
            asking(random if name == OWNERS_KEY else variant(random)),
            what,
        )


def spelled(question: Question, spell: Callable[[str], str]) -> Variant:
    """Spell the ids of a request's path in another way."""
    names = {slot.name for slot in question.varied if slot.place == "path"}

    def respelled(request: PreparedRequest) -> PreparedRequest:
        template = question.shape.operation.route.template.split("/")
        steps = request.path.split("/")
        path = "/".join(
            quote(spell(step), safe="") if wanted.strip("{}") in names else step
            for wanted, step in zip(template, steps, strict=True)
        )
        return replace(request, path=path)

    return respelled


def _expect_refusal(question: Question, answer: Answer, what: str) -> None:
    expect(
        answer.status < 500 and (answer.status >= 400 or _has_only_filters(question)),
        expected=f"4xx to {what}",
        got=answer.describe(),
    )


def _has_only_filters(question: Question) -> bool:
    """Whether no id is in the path but the own organization's: a success may be an empty list."""
    return all(
        slot.place == "query" or slot.kind == "manifest"
        for slot in question.shape.slots
        if slot.kind != "organization" or slot in question.varied
    )


def _with_method(method: str) -> Variant:
    return lambda request: replace(request, route=replace(request.route, method=method))


def _with_headers(headers: Mapping[str, str]) -> Variant:
    return lambda request: replace(request, headers={**request.headers, **headers})


def _with_query(query: Mapping[str, Any]) -> Variant:
    return lambda request: replace(request, query={**request.query, **query})


def _empty(request: PreparedRequest) -> PreparedRequest:
    return replace(request, content=None, headers={})


def _with_bad_body(request: PreparedRequest) -> PreparedRequest:
    return replace(request, content=b'{"organization_id": ')
