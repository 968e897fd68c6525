"""Tokens that the backend itself makes, by calls of its API: `[tokens.calls]`."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, SecretStr, model_validator

from harness.target.contract.dialect import Status
from harness.target.contract.envelope import Pointer
from harness.target.tables.models import Seconds, Table, UrlPath
from harness.untrusted.members import texts_in

Provided = Literal["organization", "user", "token"]
"""What an answer gives: the id of an organization, the id of a user, that user's token."""

PROVIDED: Final[tuple[Provided, ...]] = ("organization", "user", "token")


class Call(Table):
    """One request, and what its answer gives. Placeholders are filled in everywhere in it."""

    method: Literal["GET", "POST", "PUT", "PATCH"] = "POST"
    path: UrlPath
    headers: Mapping[str, str] | None = None
    """Instead of those of `[tokens.calls]`."""
    body: Mapping[str, Any] | None = None
    """Sent as JSON."""
    success: Annotated[tuple[Status, ...], Field(min_length=1)] = (200, 201)
    gives: Annotated[Mapping[Provided, Pointer], Field(min_length=1)]
    """JSON Pointers into the answer."""

    def texts(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every text that may hold placeholders, and where it stands within the table."""
        yield ("path",), self.path
        yield from texts_in(self.headers or {}, ("headers",))
        yield from texts_in(self.body, ("body",))


class CalledTokens(Table):
    """How organizations, their users and the users' tokens are had from the backend itself."""

    admin_token: SecretStr | None = None
    """What opens these calls, usually `{env:NAME}`; `{admin_token}` in headers and bodies."""
    headers: Mapping[str, str] = {}
    """Of every call that has none of its own."""
    deadline_s: Annotated[Seconds, Field(le=60)] = 10
    """For each call."""
    role_names: Mapping[str, str] = {}
    """What `{role}` is, by the contract's name, where it is called differently."""
    organization: Call
    """Called once for each organization."""
    user: Call
    """Called for each role, of each organization."""
    sign_in: Call | None = None
    """Called after `user`, where that gives no token yet."""

    @property
    def calls(self) -> tuple[tuple[str, Call], ...]:
        """The calls by name, in the order in which they are made."""
        made = (("organization", self.organization), ("user", self.user), ("sign_in", self.sign_in))
        return tuple((name, call) for name, call in made if call is not None)

    @model_validator(mode="after")
    def _all_is_given(self) -> Self:
        given = {name for _, call in self.calls for name in call.gives}
        if "organization" not in self.organization.gives:
            raise ValueError('expected organization.gives to have a pointer for "organization"')
        missing = [name for name in PROVIDED if name not in given]
        if missing:
            raise ValueError(
                f"no call gives {' and '.join(missing)}; expected user.gives or sign_in.gives "
                f"to have a pointer for each of {', '.join(PROVIDED)}"
            )
        return self
