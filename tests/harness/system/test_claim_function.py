"""What is said where no function takes the arguments that a target file names."""

import pytest

from harness.errors import Misconfigured
from harness.postgres.cluster import Cluster
from harness.postgres.server import connect
from harness.system.claim_function import expect_claim_function
from harness.target.tables.claim import Claim, ClaimArguments

from .conftest import MakeTarget

pytestmark = pytest.mark.integration

FUNCTIONS = """
CREATE FUNCTION take(p_name text, p_kind text, p_most int DEFAULT 1, OUT id uuid)
    LANGUAGE sql AS 'SELECT gen_random_uuid()';
CREATE FUNCTION take(p_older text) RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
"""

RIGHT = {"worker": "p_name", "limit": "p_most", "per_org": "", "constants": {"p_kind": "a"}}


async def said_of(cluster: Cluster, make_target: MakeTarget, claim: Claim) -> str:
    """The message, or nothing."""
    target = make_target().model_copy(update={"claim": claim})
    async with connect(cluster.url("postgres")) as connection:
        await connection.execute("BEGIN")
        await connection.execute(FUNCTIONS)
        try:
            await expect_claim_function(connection, target)
        except Misconfigured as error:
            return str(error)
        finally:
            await connection.execute("ROLLBACK")
    return ""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ""),
        ({"limit": ""}, ""),
        ({"worker": "p_nme"}, "no argument 'p_nme' (did you mean p_name?) (worker)"),
        ({"per_org": "id"}, "no argument 'id' (per_org)"),
        ({"constants": {}}, "it needs 'p_kind', which nothing gives it"),
        ({"constants": {"p_kind": "a", "p_x": 1}}, "no argument 'p_x' (constants.p_x)"),
    ],
)
async def test_the_arguments_are_looked_up(
    cluster: Cluster, make_target: MakeTarget, changed: dict[str, object], said: str
) -> None:
    arguments = ClaimArguments.model_validate({**RIGHT, **changed})
    message = await said_of(cluster, make_target, Claim(function="take", arguments=arguments))
    assert said in message
    assert bool(said) == bool(message)


async def test_a_function_that_is_not_there(cluster: Cluster, make_target: MakeTarget) -> None:
    own = ClaimArguments(worker="p_name")
    assert "there is no function 'taek'" in await said_of(
        cluster, make_target, Claim(function="taek", arguments=own)
    )
    # What the contract says of it is for the checks to look at.
    assert not await said_of(cluster, make_target, Claim(function="taek"))
