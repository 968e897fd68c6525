"""A call of a backend's claim function, as SQL with its own names."""

from collections.abc import Mapping

from psycopg import sql

from harness.target.sql.export_table import qualified
from harness.target.tables.claim import CLAIM_ARGUMENTS, Claim, ClaimArgument, ClaimArguments


def function_name(claim: Claim) -> str:
    """The function's name without its schema."""
    return claim.function.rpartition(".")[2]


def claim_call(
    claim: Claim, given: Mapping[ClaimArgument, sql.Composable], *, by_position: bool = False
) -> sql.Composed:
    """Give `function(p_worker => …)`; what the function does not take is left out.

    By name, in the order of `given`; or, with `by_position`, in the contract's order.
    """
    if by_position:
        words: list[sql.Composable] = [given[name] for name in CLAIM_ARGUMENTS if name in given]
    else:
        own: Mapping[str, str] = claim.arguments.model_dump(exclude={"constants"})
        words = [
            sql.SQL("{} => {}").format(sql.Identifier(own[name]), value)
            for name, value in given.items()
            if own[name]
        ]
    constants = [
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in claim.arguments.constants.items()
    ]
    return sql.SQL("{}({})").format(
        qualified(claim.function), sql.SQL(", ").join([*words, *constants])
    )


def shown_call(given: Mapping[ClaimArgument, int | str], *, by_position: bool = False) -> str:
    """The arguments in the contract's words, for messages: `p_worker => {worker}, p_limit => 2`."""
    names: Mapping[str, str] = ClaimArguments().model_dump(exclude={"constants"})
    return ", ".join(
        f"{value}" if by_position else f"{names[name]} => {value}" for name, value in given.items()
    )
