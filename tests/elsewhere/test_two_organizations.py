"""Two organizations with a token of each: what tenancy checks can see of a backend with that."""

import pytest

from harness.system import System, launch_sibling

from .conftest import Gate, known_by

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SEEN_WITH_TWO_TOKENS = ("tenancy.matrix", "tenancy.lists", "idempotency.scoped-to-org")


async def test_the_clean_backend_passes_over_and_over(reference: System, gate: Gate) -> None:
    environment = await known_by(reference)
    for _ in range(2):
        again = await gate.run("--only", ",".join(SEEN_WITH_TWO_TOKENS), environment=environment)
        assert again.verdicts() == dict.fromkeys(SEEN_WITH_TWO_TOKENS, "pass"), again.told
        assert again.code == 0


async def test_what_two_tokens_cannot_show_is_told(reference: System, gate: Gate) -> None:
    only = ("--only", "tenancy.*")
    outcome = await gate.run(*only, environment=await known_by(reference, role="owner"))
    assert outcome.code == 2, outcome.told
    assert set(outcome.verdicts().values()) == {"pass", "inconclusive"}
    why = {name: check["message"] for name, check in outcome.checks.items()}
    assert "ready-made" in why["tenancy.tokens"]
    assert "[tokens.mint]" in why["tenancy.user-metadata"]
    assert "token of a viewer" in why["tenancy.viewer"]
    assert "does not offer: database" in why["tenancy.row-security"]
    matrix = outcome.checks["tenancy.matrix"]
    [table] = matrix["coverage"]
    who = table["axes"].index("token")
    asked = {cell[who] for cell in table["cells"]}
    assert asked == {"given", "no token", "wrong key", "alg: none"}
    assert matrix["observations"] >= matrix["needed_observations"] == 256


async def test_with_a_viewer_nothing_can_be_made_to_look_at(reference: System, gate: Gate) -> None:
    environment = await known_by(reference, role="viewer")
    outcome = await gate.run("--only", "tenancy.matrix", environment=environment)
    assert outcome.code == 2, outcome.told
    assert "give the token of an owner or a member" in outcome.told


async def test_two_tokens_of_one_organization_are_refused(reference: System, gate: Gate) -> None:
    environment = await known_by(reference)
    environment["JWT_ORG_B"] = environment["JWT_ORG_A"]
    outcome = await gate.run("--only", "tenancy.matrix", environment=environment)
    assert outcome.code == 3, outcome.told
    assert "expected a token of another organization" in outcome.told
    assert environment["JWT_ORG_A"] not in outcome.told


@pytest.mark.parametrize(
    ("defect", "caught_by"),
    [
        ("evidence-cached-by-id", "tenancy.matrix"),
        ("foreign-export-forbidden", "tenancy.matrix"),
        ("lists-cached-by-address", "tenancy.lists"),
        ("organisation-from-header", "tenancy.user-metadata"),
        ("token-signature-unverified", "tenancy.tokens"),
    ],
)
async def test_a_defect_is_seen(reference: System, gate: Gate, defect: str, caught_by: str) -> None:
    broken = {"REFERENCE_BACKEND_DEFECT": defect}
    system = await launch_sibling(reference, environment=broken, api_instances=1, workers=1)
    try:
        outcome = await gate.run("--only", caught_by, environment=await known_by(system))
    finally:
        await system.close()
    assert outcome.verdicts() == {caught_by: "fail"}, outcome.told
    assert outcome.code == 1
