"""What a target file says about speaking to its backend, as the client takes it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.client.organisation import Organisations
from harness.client.routes import Routes, load_routes
from harness.client.tokens import TokenRecipe
from harness.client.transport import Transport

if TYPE_CHECKING:
    from harness.target import Target


def open_organisations(target: "Target", base_urls: Sequence[str]) -> Organisations:
    """Speak to the instances at these URLs as the target file says. Close it afterwards."""
    return Organisations(Transport(base_urls), routes_of(target), recipe_of(target))


def routes_of(target: "Target") -> Routes:
    """The operations of the target's OpenAPI document, in the target's dialect."""
    overrides = {
        operation_id: (dialect.method, dialect.path)
        for operation_id, dialect in target.contract.operations.items()
    }
    return load_routes(target.contract.openapi_path).overridden(overrides)


def recipe_of(target: "Target") -> TokenRecipe:
    """How this target's tokens are minted."""
    mint = target.tokens.mint
    return TokenRecipe(
        secret=mint.secret,
        algorithm=mint.algorithm,
        audience=mint.audience,
        issuer=mint.issuer,
        claims=mint.claims,
    )
