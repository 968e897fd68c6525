from collections.abc import Mapping
from typing import Any

import pytest

from harness.system.declared_names import DatabaseNames, KnownTable, wrong_names
from harness.target import Target, load_target
from harness.target.tables.catalog import Catalog
from harness.target.tables.ledger import LedgerColumns

COLUMNS = tuple(LedgerColumns.model_fields)
NAMES = DatabaseNames(
    schemas=["public", "app", "auth"],
    roles=["app_user", "anon"],
    tables=[
        KnownTable("public", "audit_logs", True, COLUMNS),
        KnownTable("app", "documents", False, ("id",)),
        KnownTable("public", "Evidence", True, ("id",)),
        KnownTable("auth", "users", False, ("id",)),
    ],
)


def target(catalog: Mapping[str, Any] | None = None, **ledger: Any) -> Target:  # noqa: ANN401
    plain = load_target(None)
    assert plain.ledger is not None
    return plain.model_copy(
        update={
            "catalog": Catalog.model_validate(catalog or {}),
            "ledger": plain.ledger.model_copy(update=ledger),
        }
    )


@pytest.mark.parametrize(
    "catalog",
    [
        {},
        {"tables": {"evidence": "app.documents"}},
        {"tables": {"evidence": '"Evidence"', "jobs": ""}},
        {"ignore_schemas": ("auth",), "roles": {"authenticated": "app_user", "service_role": ""}},
    ],
)
def test_names_that_the_database_has(catalog: Mapping[str, Any]) -> None:
    assert list(wrong_names(target(catalog), NAMES)) == []


@pytest.mark.parametrize(
    ("catalog", "path", "what"),
    [
        ({"ignore_schemas": ("auht",)}, ("catalog", "ignore_schemas", 0), "did you mean auth?"),
        ({"roles": {"authenticated": "app_usr"}}, ("catalog", "roles", "authenticated"), "app_us"),
        ({"tables": {"evidence": "documents"}}, ("catalog", "tables", "evidence"), "app.documents"),
        ({"tables": {"evidence": "evidence"}}, ("catalog", "tables", "evidence"), "Evidence"),
        (
            {"tables": {"evidence": "app.documents"}, "ignore_schemas": ("app",)},
            ("catalog", "ignore_schemas", 0),
            "which holds tenants' data",
        ),
    ],
)
def test_a_name_that_it_does_not_have(
    catalog: Mapping[str, Any], path: tuple[str, ...], what: str
) -> None:
    ((where, said),) = wrong_names(target(catalog), NAMES)
    assert where == path
    assert what in said


def test_a_ledger_with_other_columns() -> None:
    columns = LedgerColumns(hash="hahs", canonical_version="", ledger_seq="")
    declared = target(columns=columns, sequence="none", order_by=("created_at", "ID"))
    assert {where for where, _ in wrong_names(declared, NAMES)} == {
        ("ledger", "columns", "hash"),
        ("ledger", "order_by", 1),
    }


def test_a_ledger_in_no_table() -> None:
    ((where, said),) = wrong_names(target(table="audit_log"), NAMES)
    assert where == ("ledger", "table")
    assert "did you mean audit_logs?" in said
