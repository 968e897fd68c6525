"""What to write into a target file when a step does not hold, from the answer that shows it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

from harness.client import Answer
from harness.findings.exchanges import Exchange
from harness.target import Target
from harness.vocabulary.exports import STATES

Json = Any

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_API_KEY = re.compile(r"\b(x[-_])?api[-_ ]?key\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{2,60}")
_CODE = re.compile(r"code|error|type|reason|kind", re.IGNORECASE)
_DEEPEST = 3
_ENVELOPES = {"list": "items", "one": "data"}


@dataclass(frozen=True, kw_only=True)
class Advice:
    """A likely reason, and the lines to write."""

    hint: str
    lines: tuple[str, ...] = ()


def of_refusal(
    operation_id: str, exchange: Exchange, target: Target, lives_s: int | None = None
) -> Advice:
    """Say what to write when an operation was answered otherwise than by its success.

    `lives_s`: for how many seconds the address works that a redirect leads to, if it says so.
    """
    status = exchange.status
    table = f"[contract.operations.{operation_id}]"
    if status is None:
        return Advice(hint=f"no answer: {exchange.problem}")
    if status == HTTPStatus.UNAUTHORIZED:
        return of_token(exchange, target)
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        path = urlsplit(exchange.url).path
        return Advice(
            hint=f"{exchange.method} {path} is not where the backend has it; if it has nothing "
            f'like it, add "{operation_id}" to [contract] absent instead',
            lines=(table, f'method = "{exchange.method}"', 'path = "/…"'),
        )
    if status == HTTPStatus.FORBIDDEN:
        if key := of_gateway_key(exchange.answer.decode(errors="replace"), target):
            return key
        if target.tokens.given is not None:
            return Advice(
                hint="the token is understood, but may not do this: give the token of a user who "
                "may write"
            )
        return Advice(
            hint="the token is understood, but may not do this: are its organization and its role "
            "in the claims that the backend reads, and is the role called as here?",
            lines=(
                "[tokens.mint]",
                'claims = { sub = "{user}", … = "{organization}", … = "{role}" }',
                'role_names = { owner = "…", member = "…", viewer = "…" }',
            ),
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return _of_redirect(table, exchange, target, lives_s)
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return Advice(
            hint="it succeeds with another status than the contract's",
            lines=(table, f"success = [{status}]"),
        )
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Advice(
            hint="the backend wants another request: its members may be called otherwise, or it "
            "demands one that the contract has not",
            lines=(
                table,
                'send = { … = "/…" } # a member of the contract\'s, and where it goes',
                f"[contract.operations.{operation_id}.constants]",
                'body = { "/…" = "…" } # what is demanded besides',
            ),
        )
    return Advice(hint="the backend failed; its log says why")


def of_token(exchange: Exchange, target: Target) -> Advice:
    """Say what to write when a token is refused."""
    if key := of_gateway_key(exchange.answer.decode(errors="replace"), target):
        return key
    tokens = target.tokens
    said = _header(exchange, "www-authenticate")
    refused = f"the token is refused{f'; it says {said!r}' if said else ''}"
    if tokens.mint is None:
        whose = (
            "is it of this backend, and has it not run out?"
            if tokens.given
            else "the backend or the command gave it; its log says what is wrong with it"
        )
        return Advice(hint=f"{refused}: {whose}")
    signed_with = (
        'secret = "{env:JWT_SECRET}"'
        if tokens.mint.is_symmetric
        else 'private_key = "{env:JWT_PRIVATE_KEY}"'
    )
    return Advice(
        hint=f"{refused}: secret or key, algorithm, audience, issuer and claims "
        "must be those that the backend checks",
        lines=(
            "[tokens.mint]",
            f'algorithm = "{tokens.mint.algorithm}"',
            signed_with,
            'audience = "…"',
            'claims = { sub = "{user}", … = "{organization}" }',
        ),
    )


def _of_redirect(table: str, exchange: Exchange, target: Target, lives_s: int | None) -> Advice:
    location = urljoin(exchange.url, _header(exchange, "location"))
    host = urlsplit(location).hostname
    declared = target.contract.redirects
    lines: tuple[str, ...] = ()
    if declared is None or host not in declared.hosts:
        hosts = [*(declared.hosts if declared else ()), host or "…"]
        listed = ", ".join(f'"{each}"' for each in hosts)
        expires = declared.expires_s if declared else lives_s
        shown = "…" if expires is None else f"{expires:g}"
        lines = ("[contract.redirects]", f"hosts = [{listed}]", f"expires_s = {shown}")
    return Advice(
        hint=f"it leads to {host or 'a place without a name'}; only declared hosts are followed, "
        "and only from operations that declare a redirect",
        lines=(*lines, table, f"success = [{exchange.status}]"),
    )


def of_gateway_key(said: str, target: Target) -> Advice | None:
    """Say what to write where an answer speaks of a key beside the token; else None."""
    found = _API_KEY.search(said)
    if found is None:
        return None
    name = found[0].replace(" ", "").replace("_", "-").lower()
    declared = {each.lower() for each in target.contract.constants.headers}
    if name in declared:
        return Advice(
            hint=f"the answer speaks of a key beside the token ({found[0]!r}); "
            f"[contract.constants] gives {name}: is its value that of this backend?"
        )
    return Advice(
        hint=f"the answer speaks of a key beside the token ({found[0]!r}); every request gets one "
        "that is declared",
        lines=("[contract.constants]", f'headers = {{ {name} = "{{env:API_KEY}}" }}'),
    )


def of_shape(operation_id: str, resource: str, missing: str, exchange: Exchange) -> Advice:
    """Say what to write when a success does not have the contract's shape."""
    try:
        document = json.loads(exchange.answer)
    except ValueError:
        return Advice(hint=f"the answer to {operation_id} is no JSON")
    is_list = operation_id.startswith("list")
    key = _ENVELOPES["list" if is_list else "one"]
    thing, pointer = _thing_in(document, wants_list=is_list)
    if thing is None:
        return Advice(hint=f"no object with an ID was found in the answer to {operation_id}")
    lines: tuple[str, ...] = ()
    if pointer != "/data":
        lines += ("[contract.envelope]", f'{key} = "{pointer}"')
    if missing and missing not in thing and missing not in ("data",):
        ids = [name for name, value in thing.items() if _is_id(value)]
        near = ids if missing == "id" else get_close_matches(missing, [*thing], n=1, cutoff=0.5)
        place = near[0] if near else "…"
        lines += (f"[contract.fields.{resource}]", f'{missing} = "/{place}"')
    has = ", ".join(list(thing)[:20])
    return Advice(hint=f"the object at {pointer or 'the top'} has {has}", lines=lines)


def of_error(answer: Answer) -> tuple[str, ...]:
    """Give lines that say where an error has its word for a program, as far as it shows one."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    try:
        document = json.loads(answer.body)
    except ValueError:
        return (f'content_type = "{kind}"', 'code = "/…"')
    words = [
        pointer
        for pointer, value in _walk(document, "", 0)
        if isinstance(value, str) and _WORD.fullmatch(value) and not _is_id(value)
    ]
    likely = [each for each in words if _CODE.search(each.rpartition("/")[2])] or words
    return (f'content_type = "{kind}"', f'code = "{likely[0] if likely else "/…"}"')


def of_states(seen: Sequence[str]) -> Advice:
    """Say what to write when exports have states that the contract does not know."""
    unknown = [each for each in seen if each not in STATES]
    return Advice(
        hint=f"the contract has {', '.join(sorted(STATES))}; seen, in this order: "
        f"{', '.join(seen)}",
        lines=(
            "[contract.values.export.state]",
            *(f'… = "{word}" # one of the contract\'s states' for word in unknown),
        ),
    )


def _header(exchange: Exchange, name: str) -> str:
    return next((value for each, value in exchange.answer_headers if each.lower() == name), "")


def _thing_in(document: Json, *, wants_list: bool) -> tuple[Mapping[str, Json] | None, str]:
    """Find the object with an ID that lies highest, or the list of such objects; and where."""
    for pointer, value in _walk(document, "", 0):
        if wants_list and isinstance(value, list) and (not value or _has_id(value[0])):
            return (value[0] if value else {}), pointer
        if not wants_list and _has_id(value):
            return value, pointer
    return None, ""


def _has_id(value: Json) -> bool:
    return isinstance(value, dict) and any(map(_is_id, value.values()))


def _is_id(value: Json) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _walk(value: Json, pointer: str, depth: int) -> Iterator[tuple[str, Json]]:
    """Every value with its JSON Pointer, the highest first."""
    level = [(pointer, value)]
    while level and depth <= _DEEPEST:
        yield from level
        level = [
            (f"{above}/{name}", each)
            for above, found in level
            if isinstance(found, dict)
            for name, each in found.items()
        ]
        depth += 1
