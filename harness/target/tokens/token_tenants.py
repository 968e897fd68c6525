"""Tenants that the backend looks up: how the harness enters them, `[tokens.tenants]`."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from harness.target.contract.envelope import Pointer
from harness.target.tables.models import Seconds, Table, several
from harness.target.tokens.token_calls import Call, Provided

Statements = Annotated[
    tuple[str, ...], BeforeValidator(several, json_schema_input_type=str | tuple[str, ...])
]
"""SQL, in one text or several; a `;` ends a statement."""


class TenantSql(Table):
    """SQL that enters an organization and its users, run by a superuser in one transaction.

    Placeholders are bound as parameters. A column of the last row that is called `organization` or
    `user` gives the id, where the database makes it.
    """

    organization: Statements = ()
    """Run once for each organization: `{organization}`, `{name}`."""
    organization_file: str | None = None
    """The same, in a file. Once loaded it is `organization`."""
    user: Statements = ()
    """Run for each role of it: `{user}`, `{organization}`, `{role}`, `{name}`."""
    user_file: str | None = None


class TenantCall(Call):
    """A call that enters something; it may keep the ids that the harness chose."""

    gives: Mapping[Provided, Pointer] = Field(default={})


class TenantCalls(Table):
    """Calls of the API that enter an organization and its users, as in `[tokens.calls]`."""

    admin_token: SecretStr | None = None
    headers: Mapping[str, str] = {}
    deadline_s: Annotated[Seconds, Field(le=60)] = 10
    organization: TenantCall | None = None
    user: TenantCall | None = None

    @property
    def calls(self) -> tuple[tuple[str, TenantCall], ...]:
        """The calls by name, in the order in which they are made."""
        made = (("organization", self.organization), ("user", self.user))
        return tuple((name, call) for name, call in made if call is not None)

    @model_validator(mode="after")
    def _some_call(self) -> Self:
        if not self.calls:
            raise ValueError("expected organization, user or both of them")
        for name, call in self.calls:
            if "token" in call.gives:
                raise ValueError(f"{name}.gives has a token, which comes from elsewhere; remove it")
        return self


class Tenants(Table):
    """How a tenant gets to where the backend looks it up: by SQL or by calls."""

    sql: TenantSql | None = None
    calls: TenantCalls | None = None
    role_names: Mapping[str, str] = {}
    """What `{role}` is, by the contract's name; by default as in the claims."""
    sql_claims: Mapping[str, Any] | None = None
    """The claims that the API sets for a request in SQL, where they are not the token's."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.sql is None) == (self.calls is None):
            raise ValueError("expected one of [tokens.tenants.sql] and [tokens.tenants.calls]")
        return self
