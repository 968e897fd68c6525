from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from contracts.tenancy.catalog.model import (
    Argument,
    Catalog,
    Column,
    Function,
    Policy,
    Relation,
    Role,
)
from contracts.tenancy.catalog.privileges import privileges
from contracts.tenancy.catalog.row_security import row_security
from contracts.tenancy.catalog.rule_results import RuleResult, by_weight, expect_holds
from contracts.tenancy.catalog.tenants import tenant_tables, views_over
from harness.errors import CheckFailed, Inconclusive
from harness.target.load import load_target

TARGET = load_target(None)
NOBODY: dict[str, frozenset[str]] = {"anon": frozenset(), "authenticated": frozenset()}
READERS = NOBODY | {"authenticated": frozenset({"SELECT"})}
OWN = "(organization_id = current_organization())"
OWN_POLICY = Policy(
    name="own", roles=frozenset({"authenticated", "anon"}), using=OWN, with_check=None
)
ORGANIZATION = Column(name="organization_id", type="uuid")


def table(oid: int, name: str) -> Relation:
    return Relation(
        oid=oid,
        schema="public",
        table_name=name,
        name=f"public.{name}",
        owner="backend",
        row_security=True,
        forced=True,
        granted=READERS,
        columns=(ORGANIZATION,),
        policies=(OWN_POLICY,),
    )


def plain(oid: int, name: str) -> Relation:
    """A table that came later, unguarded."""
    return replace(table(oid, name), row_security=False, forced=False, policies=())


TABLES = tuple(
    table(oid, name)
    for oid, name in enumerate(("jobs", "evidence", "exports", "audit_logs"), start=1)
)
EXPORTS = TABLES[2]
CLAIM = Function(
    schema="public",
    function_name="claim_export_job",
    name="public.claim_export_job",
    signature="public.claim_export_job(p_worker text)",
    owner="backend",
    search_path="pg_catalog, public",
    body="UPDATE exports SET state = 'preparing'",
    arguments=(Argument(name="p_worker", type="text"),),
    granted=("service_role",),
    callers=frozenset({"service_role"}),
)
ROLES = tuple(Role(name=name) for name in ("anon", "authenticated", "service_role"))
CATALOG = Catalog(relations=TABLES, functions=(CLAIM,), roles=ROLES)


def with_relations(*relations: Relation) -> Catalog:
    oids = {relation.oid for relation in relations}
    return replace(CATALOG, relations=(*(one for one in TABLES if one.oid not in oids), *relations))


def with_functions(*functions: Function) -> Catalog:
    return replace(CATALOG, functions=functions)


def wrong(results: Iterable[RuleResult]) -> list[RuleResult]:
    return list(dict.fromkeys(result for result in results if not result.holds))


def rows_wrong(catalog: Catalog) -> list[RuleResult]:
    return wrong(row_security(catalog, tenant_tables(catalog, TARGET)))


def rights_wrong(catalog: Catalog) -> list[RuleResult]:
    results = privileges(
        catalog, tenant_tables(catalog, TARGET), claim="claim_export_job", exports="exports"
    )
    return wrong(results)


def test_a_right_catalog_is_found_right() -> None:
    assert rows_wrong(CATALOG) == []
    assert rights_wrong(CATALOG) == []


@pytest.mark.parametrize(
    ("relation", "rule"),
    [
        (replace(EXPORTS, row_security=False, granted=NOBODY), "enabled"),
        (replace(EXPORTS, forced=False, granted=NOBODY), "forced"),
        (plain(9, "idempotency_keys"), "enabled"),
        (replace(table(9, "idempotency_keys"), forced=False), "forced"),
        (replace(plain(9, "facts"), columns=(Column(name="tenantId", type="text"),)), "enabled"),
        (
            replace(plain(9, "facts"), columns=(Column(name="organisation_id", type="uuid"),)),
            "enabled",
        ),
        (replace(plain(9, "exports_2026"), columns=(), parents=frozenset({3})), "enabled"),
        (replace(plain(9, "notes"), columns=(), referenced=frozenset({3})), "enabled"),
        (replace(plain(9, "elsewhere"), kind="f"), "enabled"),
        (replace(table(9, "numbers"), kind="m", reads=frozenset({3})), "materialized view"),
        (replace(table(9, "numbers"), kind="v", reads=frozenset({3})), "security_invoker"),
    ],
    ids=lambda value: value.name if isinstance(value, Relation) else "",
)
def test_an_unguarded_relation_is_found(relation: Relation, rule: str) -> None:
    found = rows_wrong(with_relations(relation))
    assert rule in {one.rule for one in found}
    assert {one.name for one in found} == {relation.name}


@pytest.mark.parametrize(
    "relation",
    [
        replace(plain(9, "outbox"), granted=NOBODY),
        replace(plain(9, "export_types"), columns=(Column(name="name", type="text"),)),
        replace(plain(9, "notes"), columns=(), referenced=frozenset({3}), granted=NOBODY),
        replace(
            plain(9, "wishes"),
            columns=(),
            referenced=frozenset({3}),
            granted=NOBODY | {"authenticated": frozenset({"INSERT"})},
        ),
        replace(table(9, "sums"), kind="v", reads=frozenset({3}), security_invoker=True),
        replace(table(9, "sums"), kind="m", reads=frozenset({3}), granted=NOBODY),
        replace(table(9, "versions"), kind="v", reads=frozenset({77})),
    ],
    ids=lambda relation: relation.name,
)
def test_what_shows_nobody_anything_is_no_false_alarm(relation: Relation) -> None:
    assert rows_wrong(with_relations(relation)) == []


def test_a_view_over_a_view_is_followed_to_the_table() -> None:
    inner = replace(
        table(8, "inner"), kind="v", columns=(), reads=frozenset({3}), security_invoker=True
    )
    outer = replace(table(9, "outer"), kind="v", columns=(), reads=frozenset({8}))
    catalog = with_relations(inner, outer)
    assert views_over(catalog, tenant_tables(catalog, TARGET)) == [inner, outer]
    assert [one.name for one in rows_wrong(catalog)] == ["public.outer"]


def opened(**changes: Any) -> Relation:  # noqa: ANN401 - whatever a policy has
    policy = replace(Policy(name="support", roles=frozenset({"authenticated"})), **changes)
    return replace(EXPORTS, policies=(OWN_POLICY, policy))


@pytest.mark.parametrize(
    ("privilege", "policy"),
    [
        ("SELECT", {"using": "true"}),
        ("SELECT", {"using": "true", "command": "r"}),
        ("INSERT", {"with_check": "true", "command": "a"}),
        ("INSERT", {"using": "true"}),
        ("UPDATE", {"using": OWN, "with_check": "true", "command": "w"}),
        ("DELETE", {"using": "true", "command": "d"}),
    ],
)
def test_a_policy_that_says_true_is_found(privilege: str, policy: dict[str, Any]) -> None:
    relation = replace(opened(**policy), granted=NOBODY | {"authenticated": frozenset({privilege})})
    (found,) = rows_wrong(with_relations(relation))
    assert found.rule == "policies"
    assert "support" in found.got


@pytest.mark.parametrize(
    "relation",
    [
        opened(using="true", command="d"),
        opened(using="true", roles=frozenset()),
        replace(
            opened(using="true"),
            policies=(
                *opened(using="true").policies,
                replace(OWN_POLICY, name="narrow", permissive=False),
            ),
        ),
    ],
    ids=["without the privilege", "for workers", "narrowed by a restrictive one"],
)
def test_a_policy_that_opens_nothing_is_no_false_alarm(relation: Relation) -> None:
    assert rows_wrong(with_relations(relation)) == []


@pytest.mark.parametrize("change", [{"superuser": True}, {"bypasses_row_security": True}])
def test_a_role_that_no_row_security_binds_is_found(change: dict[str, Any]) -> None:
    roles = (ROLES[0], replace(ROLES[1], **change), ROLES[2])
    (found,) = rows_wrong(replace(CATALOG, roles=roles))
    assert found.name == "authenticated"


HELPER = replace(
    CLAIM,
    function_name="helper",
    signature="public.helper()",
    body="SELECT 1",
    arguments=(),
    granted=(),
    callers=frozenset(),
)


def test_what_matters_to_tenants_is_told_first() -> None:
    """A path that the caller chooses is form; with the owner's rights it is a way to others."""
    plain = replace(HELPER, search_path=None, granted=("PUBLIC",))
    definer = replace(plain, definer=True)
    found = by_weight(rights_wrong(with_functions(plain, definer)))
    assert [one.broken for one in found] == ["", "", *["database.functions-narrow"] * 2]
    truncate = replace(EXPORTS, granted=READERS | {"authenticated": frozenset({"TRUNCATE"})})
    catalog = replace(with_relations(truncate), functions=(plain, definer))
    assert by_weight(rights_wrong(catalog))[0].name == "public.exports"
    with pytest.raises(CheckFailed) as caught:
        expect_holds(found[-1])
    assert caught.value.rule == "database.functions-narrow"


BY_REQUESTS: dict[str, Any] = {
    "granted": ("authenticated",),
    "callers": frozenset({"authenticated"}),
}


@pytest.mark.parametrize(
    "function",
    [
        replace(HELPER, granted=("PUBLIC",)),
        replace(HELPER, kind="a", granted=("PUBLIC",), search_path=None),
        replace(HELPER, search_path=None),
        replace(HELPER, search_path='"$user", public', definer=True),
        replace(HELPER, search_path=None, is_trigger=True),
        replace(CLAIM, **BY_REQUESTS),
        replace(CLAIM, signature="public.claim_export_job()", arguments=(), **BY_REQUESTS),
        replace(CLAIM, granted=("service_role", "reporting")),
        replace(CLAIM, granted=(), callers=frozenset()),
        replace(CLAIM, function_name="recover_stuck_exports", **BY_REQUESTS),
        replace(CLAIM, function_name="another_batch", **BY_REQUESTS),
        replace(HELPER, body="SELECT * FROM claim_export_job('api')", definer=True, **BY_REQUESTS),
    ],
)
def test_a_function_with_too_wide_rights_is_found(function: Function) -> None:
    found = rights_wrong(with_functions(CLAIM, function))
    assert {one.name for one in found} == {function.signature}


@pytest.mark.parametrize(
    "function",
    [
        replace(HELPER, is_trigger=True, granted=("PUBLIC",)),
        replace(HELPER, resolved=True, search_path=None, language="sql"),
        replace(HELPER, language="c", search_path=None),
        replace(HELPER, schema="auth", owner="platform", granted=("PUBLIC",), search_path=None),
        replace(HELPER, **BY_REQUESTS),
        replace(
            CLAIM,
            function_name="cancel_export",
            arguments=(Argument(name="p_id", type="uuid"),),
            **BY_REQUESTS,
        ),
        replace(
            CLAIM,
            function_name="cancel_exports_of",
            arguments=(Argument(name="p_job", type="text"),),
            **BY_REQUESTS,
        ),
        replace(
            HELPER,
            function_name="count_stuck",
            body="SELECT count(*) FROM exports WHERE heartbeat_at < now()",
            **BY_REQUESTS,
        ),
    ],
)
def test_a_function_with_the_rights_it_needs_is_no_false_alarm(function: Function) -> None:
    assert rights_wrong(with_functions(CLAIM, function)) == []


@pytest.mark.parametrize(
    ("role", "change"),
    [
        ("authenticated", {"may_become": frozenset({"service_role"})}),
        ("anon", {"may_become": frozenset({"backend"})}),
        ("authenticated", {"may_become": frozenset({"pg_read_all_data"})}),
        ("anon", {"may_become_unbound": frozenset({"admin"})}),
        ("authenticated", {"may_create_in": frozenset({"public"})}),
    ],
)
def test_a_role_that_may_do_too_much_is_found(role: str, change: dict[str, Any]) -> None:
    roles = tuple(replace(one, **change) if one.name == role else one for one in ROLES)
    (found,) = rights_wrong(replace(CATALOG, roles=roles))
    assert found.name in {role, *change.get("may_create_in", ())}
    assert role in found.expected


def test_a_missing_role_and_truncate_are_found() -> None:
    truncates = replace(EXPORTS, granted=NOBODY | {"authenticated": frozenset({"TRUNCATE"})})
    catalog = replace(with_relations(truncates), roles=ROLES[1:])
    assert {one.name for one in rights_wrong(catalog)} == {"anon", "public.exports"}


def test_a_database_without_the_contracts_tables_leaves_the_question_open() -> None:
    with pytest.raises(Inconclusive, match="exports"):
        tenant_tables(replace(CATALOG, relations=(*TABLES[:2], TABLES[3])), TARGET)
    assert len(tenant_tables(replace(CATALOG, relations=TABLES[1:]), TARGET)) == 3  # jobs is open


def test_what_is_wrong_is_told_rule_by_rule() -> None:
    catalog = with_functions(CLAIM, replace(HELPER, granted=("PUBLIC",), search_path=None))
    told = []
    for result in rights_wrong(catalog):
        with pytest.raises(CheckFailed) as raised:
            expect_holds(result)
        assert raised.value.aspect == result.rule
        told.append(raised.value.expected)
    assert any("PUBLIC" in each for each in told)
    assert any("search_path" in each for each in told)
