"""Organizations and users that the backend makes by calls: `[tokens.calls]`, `[tokens.tenants]`."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from json import dumps as encode_json
from typing import Any
from urllib.parse import quote

from harness.client.answers.answer import Answer
from harness.client.dialect.pointers import value_at
from harness.client.http.no_answer import NoAnswer
from harness.client.http.transport import Transport
from harness.client.routes import Route
from harness.errors import CheckFailed, Misconfigured
from harness.target.tokens.token_calls import Call, CalledTokens
from harness.target.tokens.token_tenants import TenantCalls
from harness.target.values.template import fill
from harness.untrusted.documents import BadDocument, parse
from harness.untrusted.json_pointers import steps
from harness.vocabulary.roles import ROLES

MOST_CHARACTERS = 8192
"""Of an id or a token: what is longer no server takes back in a header."""


@dataclass(frozen=True, kw_only=True)
class ProvisionedOrganization:
    """One organization with a user in each role, as the backend has made them."""

    id: str
    users: dict[str, str]
    """User id by role."""
    tokens: dict[str, str] = field(repr=False)
    """Bearer token by role."""
    made_with: dict[str, str] = field(repr=False)
    """The headers of the call that made it."""


@dataclass(frozen=True, kw_only=True)
class Provisioner:
    """Makes the calls of a target's `[tokens.calls]` or `[tokens.tenants.calls]`.

    `learn` gets every token, so that reports can hide it.
    """

    tokens: CalledTokens | TenantCalls
    transport: Transport
    learn: Callable[[Iterable[str]], None]
    hands_out: bool = False
    """Whether the harness started the backend and gave it the admin token."""

    async def new_organization(self, name: str) -> ProvisionedOrganization:
        """Make an organization, and a user in each role.

        Raises `Misconfigured`, naming the call, when one fails or lacks what it should give, and
        `CheckFailed` where only the backend can be at fault: a 5xx, or an admin token refused that
        the harness gave it.
        """
        assert isinstance(self.tokens, CalledTokens)
        known = self._known(name)
        headers = self._headers(self.tokens.organization, known)
        known |= await self._made("organization", self.tokens.organization, known)
        users, tokens = {}, {}
        for role in ROLES:
            of_user = known | {
                "role": self.tokens.role_names.get(role, role),
                "unique": str(uuid.uuid4()),
            }
            for call_name, call in self.tokens.calls[1:]:
                of_user |= await self._made(call_name, call, of_user)
            users[role], tokens[role] = of_user["user"], of_user["token"]
        return ProvisionedOrganization(
            id=known["organization"], users=users, tokens=tokens, made_with=headers
        )

    async def enter(
        self, name: str, organization: str, users: Mapping[str, str], role_names: Mapping[str, str]
    ) -> ProvisionedOrganization:
        """Enter an organization and its users by role, whose tokens come from elsewhere.

        The ids are the given ones, or those that answers give. Raises as `new_organization`.
        """
        assert isinstance(self.tokens, TenantCalls)
        known = self._known(name) | {"organization": organization}
        headers: dict[str, str] = {}
        if (call := self.tokens.organization) is not None:
            headers = self._headers(call, known)
            known |= await self._made("organization", call, known)
        entered: dict[str, str] = {}
        for role, user in users.items():
            entered[role] = user
            if (call := self.tokens.user) is not None:
                of_user = {"user": user, "role": role_names.get(role, role)}
                unique = {"unique": str(uuid.uuid4())}
                given = await self._made("user", call, known | of_user | unique)
                entered[role] = given.get("user", user)
        return ProvisionedOrganization(
            id=known["organization"], users=entered, tokens={}, made_with=headers
        )

    def _known(self, name: str) -> dict[str, str]:
        known = {"name": name, "unique": str(uuid.uuid4())}
        if self.tokens.admin_token is not None:
            known["admin_token"] = self.tokens.admin_token.get_secret_value()
        return known

    @property
    def _table(self) -> str:
        return "tokens.calls" if isinstance(self.tokens, CalledTokens) else "tokens.tenants.calls"

    def _opens(self, sent: Mapping[str, str]) -> bool:
        """Whether these headers have an admin token that the backend was given."""
        admin = self.tokens.admin_token
        secret = admin.get_secret_value() if admin and self.hands_out else ""
        return bool(secret) and any(secret in text for text in sent.values())

    def _headers(self, call: Call, known: Mapping[str, str]) -> dict[str, str]:
        headers = self.tokens.headers if call.headers is None else call.headers
        return {header: fill(text, known) for header, text in headers.items()}

    async def _made(self, name: str, call: Call, known: Mapping[str, str]) -> dict[str, str]:
        """Make one call and give what its answer gives."""
        sent = self._headers(call, known)
        content: bytes | None = None
        if call.body is not None:
            content = encode_json(_filled_body(call.body, known), separators=(",", ":")).encode()
            sent = {"content-type": "application/json", **sent}
        route = Route(
            operation_id=f"[{self._table}.{name}]",
            method=call.method,
            template=call.path,
            by_target=True,
        )
        call_text = f"[{self._table}.{name}] {call.method} {call.path}"
        try:
            answer = await self.transport.send(
                route,
                _filled_path(call.path, known),
                instance=None,
                deadline_s=self.tokens.deadline_s,
                headers=sent,
                body=content,
            )
        except NoAnswer as error:
            raise Misconfigured(
                f"{call_text}: expected {error.expected}, got {error.got}"
            ) from None
        if answer.status not in call.success:
            expected = " or ".join(map(str, call.success))
            # The body of a success may contain a token.
            got = answer.describe() if answer.status >= 300 else str(answer.status)
            if answer.status >= 500 or (answer.status in (401, 403) and self._opens(sent)):
                # Whatever the target file says, the backend is at fault: a finding.
                raise CheckFailed(expected=f"{expected} from {call_text}", got=got)
            raise Misconfigured(f"{call_text}: expected {expected}, got {got}")
        given: dict[str, str] = {
            name: _gift(answer, pointer, f"{call_text}: expected {name} at {pointer!r}")
            for name, pointer in call.gives.items()
        }
        if "token" in given:
            self.learn([given["token"]])
        return given


def _filled_body(value: Any, known: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON in and out
    match value:
        case str():
            return fill(value, known)
        case Mapping():
            return {name: _filled_body(each, known) for name, each in value.items()}
        case tuple() | list():
            return [_filled_body(each, known) for each in value]
    return value


def _filled_path(path: str, known: Mapping[str, str]) -> str:
    # An id never becomes another path.
    return fill(path, {name: quote(text, safe="") for name, text in known.items()})


def _gift(answer: Answer, pointer: str, expectation: str) -> str:
    """The text or number that an answer gives. The answer itself is not shown: it has a token."""
    try:
        document = parse(answer.body)
    except BadDocument as error:
        raise Misconfigured(f"{expectation}, got an answer that is not JSON: {error}") from None
    value = value_at(document, steps(pointer))
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        members = sorted(document) if isinstance(document, dict) else type(document).__name__
        raise Misconfigured(f"{expectation}, got nothing there; the answer has {members}")
    if len(value) > MOST_CHARACTERS or not value.isprintable():
        raise Misconfigured(
            f"{expectation}, at most {MOST_CHARACTERS} printable characters, got {len(value)}"
        )
    return value
