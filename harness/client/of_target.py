"""What a target file says about speaking to its backend, as the client takes it."""

from pathlib import Path

from harness.client.routes import Routes, load_routes
from harness.client.tokens import TokenRecipe
from harness.errors import Inconclusive
from harness.target import Target
from harness.target.dialect import Contract


def routes_of(target: Target) -> Routes:
    """The operations of the target's OpenAPI document, in the target's dialect."""
    return contract_routes(target.contract)


def contract_routes(contract: Contract) -> Routes:
    """The operations of a `[contract]` as it was loaded, its document's path absolute."""
    overrides = {
        operation_id: (dialect.method, dialect.path)
        for operation_id, dialect in contract.operations.items()
    }
    document = load_routes(Path(contract.openapi))
    return document.overridden(overrides, contract.absent_operations)


def recipe_of(target: Target) -> TokenRecipe:
    """How this target's tokens are minted. `Inconclusive` when they are given ready-made."""
    mint = target.tokens.mint
    if mint is None:
        raise Inconclusive(
            "this check makes organizations of its own, and this target has no [tokens.mint] "
            "to make tokens for them with"
        )
    return TokenRecipe(
        secret=mint.secret.get_secret_value(),
        algorithm=mint.algorithm,
        audience=mint.audience,
        issuer=mint.issuer,
        lifetime_s=mint.lifetime_s,
        claims=mint.claims,
        role_names=mint.role_names,
    )
