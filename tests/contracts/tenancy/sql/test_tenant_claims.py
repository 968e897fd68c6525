import json
from dataclasses import replace

from contracts.tenancy.catalog.model import Argument, Function
from contracts.tenancy.sql.foreign_calls import assignments
from contracts.tenancy.sql.tenant_claims import (
    claims_without_access,
    has_contract_claims,
    spoofed_claims,
)

OWN = {
    "sub": "u",
    "role": "authenticated",
    "app_metadata": {"organization_id": "a", "role": "member"},
}
IDS = {"organization": "00000000-0000-0000-0000-000000000001", "job": "j", "export": "e"}
FUNCTION = Function(
    schema="public", function_name="f", name="public.f", signature="public.f()", owner="backend"
)


def called_with(*arguments: tuple[str, str]) -> list[tuple[str | None, ...]]:
    made = tuple(Argument(name=name, type=type_) for name, type_ in arguments)
    return list(assignments(replace(FUNCTION, arguments=made), IDS))


def test_no_claims_without_right_name_an_organization_where_it_is_trusted() -> None:
    for what, text in claims_without_access(OWN).items():
        try:
            claims = json.loads(text)
        except ValueError:
            continue
        metadata = claims.get("app_metadata", {}) if isinstance(claims, dict) else {}
        assert metadata.get("organization_id") != "a", what


def test_misleading_claims_still_name_ones_own_where_it_is_trusted() -> None:
    for text in spoofed_claims(OWN, "b").values():
        assert json.loads(text)["app_metadata"] == OWN["app_metadata"]
        assert '"b"' in text


def test_only_a_template_like_the_contracts_is_taken_for_one() -> None:
    assert has_contract_claims({"app_metadata": {"organization_id": "{organization}"}})
    assert not has_contract_claims({"organization_id": "{organization}"})
    assert not has_contract_claims(
        {"org": "{organization}", "app_metadata": {"organization_id": "{organization}"}}
    )


def test_an_argument_that_says_what_it_is_gets_that_id() -> None:
    assert called_with(("p_export_id", "uuid")) == [("e",)]
    assert called_with(("p_job_ids", "uuid[]"), ("p_limit", "integer")) == [("{j}", "1")]
    assert called_with(("p_job_id", "text"), ("p_export_type", "text")) == [("j", "proof-pack")]


def test_an_argument_that_says_nothing_gets_every_id_in_turn() -> None:
    given = called_with(("p_id", "uuid"), ("p_job_id", "uuid"))
    assert {second for _, second in given} == {"j"}
    assert {first for first, _ in given} > {"j", "e", IDS["organization"]}


def test_what_takes_no_arguments_is_called_once_and_what_is_unknown_gets_null() -> None:
    assert called_with() == [()]
    assert called_with(("p_row", "exports"), ("p_filters", "jsonb")) == [(None, "{}")]
