"""What routes read from a request: JSON bodies, pages, who is asking."""

import base64
import binascii
import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import rfc8785

from flask import Request, g
from tests.foreign.flask.people import Caller
from tests.foreign.flask.refusals import Refusal, bad_request

JSON_BYTES = 1024 * 1024
PAGE = 50
LARGEST_PAGE = 100
_DEEPEST = 32
_IDENTIFIER = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, kw_only=True)
class PageAsked:
    """Which page of a list: so many things, after a place."""

    after: int
    size: int

    def answer(
        self, rows: list[sqlite3.Row], shown: Callable[[sqlite3.Row], dict[str, Any]]
    ) -> dict[str, Any]:
        """A page. `rows` may hold one more than `size`, which tells that there is a next one."""
        on_page = rows[: self.size]
        more = len(rows) > self.size
        return {
            "items": [shown(row) for row in on_page],
            "next": token_of(place_of(on_page[-1])) if more else None,
        }

    @property
    def fetch(self) -> int:
        """How many rows to read."""
        return self.size + 1


def caller() -> Caller:
    """Who is asking; known before any route runs."""
    known: Caller = g.caller
    return known


def place_of(row: sqlite3.Row) -> int:
    """Where a row stands in its list."""
    keys = row.keys()
    return int(row["place"] if "place" in keys else row["number"])


def token_of(place: int) -> str:
    """The page token of what comes after this place."""
    return base64.urlsafe_b64encode(f"after {place}".encode()).decode().rstrip("=")


def page_asked(request: Request) -> PageAsked:
    """The page that the query asks for. Raises a 400 `Refusal` for what is none."""
    size = request.args.get("page_size", str(PAGE))
    if not (
        size.isascii() and size.isdigit() and len(size) <= 3 and 1 <= int(size) <= LARGEST_PAGE
    ):
        raise bad_request(f"page_size is a number from 1 to {LARGEST_PAGE}.")
    token = request.args.get("page_token")
    return PageAsked(after=0 if token is None else _place(token), size=int(size))


def identifier(request: Request, name: str) -> str | None:
    """An id that the query may hold. Raises a 400 `Refusal` for what is none."""
    value = request.args.get(name)
    if value is None:
        return None
    if not _IDENTIFIER.fullmatch(value):
        raise bad_request(f"{name} is the id of a thing.")
    return value.lower()


def json_object(request: Request) -> dict[str, Any]:
    """The body, an object. Raises a 400, 413 or 415 `Refusal` for what is none."""
    raw = request.get_data()
    if request.mimetype != "application/json":
        raise Refusal(415, "json_only", "The body must be application/json.")
    try:
        body = json.loads(decoded(raw), parse_constant=_no_number)
        rfc8785.dumps(body)  # nothing that other implementations would read as something else
    except (ValueError, RecursionError) as error:
        raise bad_request("The body is not JSON.") from error
    if not isinstance(body, dict):
        raise bad_request("The body must be an object.")
    return body


def decoded(raw: bytes) -> str:
    """The body as text. Raises a 400 `Refusal` where it is not UTF-8."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise bad_request("The body is not UTF-8.") from error


def text(body: dict[str, Any], name: str, *, longest: int) -> str:
    """A text in a body. Raises a 400 `Refusal` where it is missing or unfit."""
    value = body.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest or "\0" in value:
        raise bad_request(f"{name} must be a text of 1 to {longest} characters without NUL.")
    return value


def options(body: dict[str, Any]) -> dict[str, Any]:
    """The options in a body, else `{}`. Raises a 400 `Refusal` for what is no object."""
    value = body.get("options", {})
    if not isinstance(value, dict):
        raise bad_request("options must be an object.")
    _refuse_unfit(value, depth=1)
    return value


def _refuse_unfit(value: object, *, depth: int) -> None:
    if depth > _DEEPEST:
        raise bad_request(f"options may be {_DEEPEST} levels deep.")
    if isinstance(value, str) and "\0" in value:
        raise bad_request("options hold no NUL.")
    if isinstance(value, dict):
        for key, below in value.items():
            _refuse_unfit(key, depth=depth)
            _refuse_unfit(below, depth=depth + 1 if isinstance(below, dict | list) else depth)
    if isinstance(value, list):
        for below in value:
            _refuse_unfit(below, depth=depth + 1 if isinstance(below, dict | list) else depth)


def _place(token: str) -> int:
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        word, _, place = base64.urlsafe_b64decode(padded).decode("ascii").partition(" ")
    except (ValueError, binascii.Error) as error:
        raise bad_request("page_token is none of ours.") from error
    if word != "after" or not (place.isdigit() and len(place) <= 18):
        raise bad_request("page_token is none of ours.")
    return int(place)


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)
