"""Tables, columns and functions of a database, as its catalog shows them."""

from typing import Any

from harness.init.catalog import Catalog, FunctionSeen, tables_of
from harness.init.claiming import guess_function
from harness.init.guess import Guess
from harness.init.lexicon import lexicon
from harness.init.tables import find_tables, guess_catalog, guess_claim, guess_ledger

CATEGORY = {"uuid": "U", "text": "S", "bigint": "N", "timestamptz": "D", "jsonb": "U"}


def rows(table: str, schema: str = "public", **columns: str) -> list[dict[str, Any]]:
    return [
        {
            "schema": schema,
            "table": table,
            "column": name,
            "type": kind,
            "category": CATEGORY[kind],
            "nullable": False,
            "numbered": False,
            "labels": [],
            "checks": [],
        }
        for name, kind in columns.items()
    ]


LOG = rows(
    "activity_log",
    id="uuid",
    org_id="uuid",
    seq_no="bigint",
    user_id="uuid",
    action="text",
    entity_type="text",
    entity_id="uuid",
    logged_at="timestamptz",
    payload="jsonb",
    prev_hash="text",
    row_hash="text",
)
RENDERINGS = rows(
    "exports_queue",
    id="uuid",
    tenant_id="uuid",
    status="text",
    retry_count="bigint",
    locked_by="text",
    locked_until="timestamptz",
    lock_token="uuid",
    queued_at="timestamptz",
)
CASES = rows("cases", id="uuid", tenant_id="uuid", title="text", created_at="timestamptz")


def catalog(*functions: FunctionSeen, schemas: tuple[str, ...] = ("public",)) -> Catalog:
    tables = tables_of([*LOG, *RENDERINGS, *CASES])
    return Catalog(tables=tables, schemas=schemas, functions=functions)


def written(guesses: list[Guess]) -> dict[str, object]:
    return {
        ".".join((*one.table, *one.key)): one.value for one in guesses if one.certainty.is_written
    }


def test_the_ledger_is_found_without_an_api() -> None:
    seen = catalog()
    found = find_tables(lexicon(), seen, {}, {})
    said = written(list(guess_ledger(found["ledger"], seen)))
    assert said["ledger.table"] == "activity_log"
    assert said["ledger.columns.ledger_seq"] == "seq_no"
    assert said["ledger.columns.hash"] == "row_hash"
    assert said["ledger.columns.target_id"] == "entity_id"
    assert said["ledger.columns.salt_key_id"] == ""
    assert "ledger.columns.prev_hash" not in said  # as in the contract


def test_exports_with_a_lease_have_no_heartbeat() -> None:
    found = find_tables(lexicon(), catalog(), {}, {})
    said = written(list(guess_claim(found["export"])))
    assert said["claim.table"] == "exports_queue"
    assert said["claim.lease_until"] == "locked_until"
    assert said["claim.columns.claim_token"] == "lock_token"
    assert said["claim.columns.attempt"] == "retry_count"
    assert said["claim.columns.claimed_by"] == "locked_by"
    assert "claim.columns.heartbeat_at" not in said


def test_what_the_api_calls_a_field_is_what_its_column_is_called() -> None:
    api = {"ledger": {"metadata": (("zorb",),)}}
    seen = Catalog(
        tables=tables_of([*LOG, *rows("activity_log", zorb="jsonb")]),
        schemas=(),
        functions=(),
    )
    found = find_tables(lexicon(), seen, {"ledger": "activ"}, api)
    assert written(list(guess_ledger(found["ledger"], seen)))["ledger.columns.metadata"] == "zorb"


def test_the_words_of_a_check_are_the_states() -> None:
    row = rows("exports", state="text")[0]
    row["checks"] = ["CHECK ((state = ANY (ARRAY['new'::text, 'it''s done'::text])))"]
    (table,) = tables_of([row])
    assert table.columns[0].words == ("new", "it's done")
    row["checks"] = ["CHECK ((length(state) > 3))"]
    assert tables_of([row])[0].columns[0].words == ()


def test_a_claim_function_with_arguments_of_its_own() -> None:
    arguments = "p_worker_name text, batch integer, OUT export_id uuid, OUT lease uuid"
    claims = FunctionSeen(name="dequeue_export", arguments=arguments, result="SETOF record")
    others = [
        FunctionSeen(name="release_stuck_exports", arguments="", result="integer"),
        FunctionSeen(name="take_photo", arguments="", result="void"),
    ]
    said = written(list(guess_function(lexicon(), catalog(claims, *others))))
    assert said == {
        "claim.function": "dequeue_export",
        "claim.arguments.worker": "p_worker_name",
        "claim.arguments.limit": "batch",
        "claim.arguments.per_org": "",
        "claim.result.id": "export_id",
        "claim.result.attempt": "",
        "claim.result.claim_token": "lease",
    }


def test_without_a_claim_function_there_is_none() -> None:
    assert written(list(guess_function(lexicon(), catalog()))) == {"claim.function": ""}
    ours = FunctionSeen(name="claim_export_job", arguments="p_worker text", result="SETOF exports")
    assert written(list(guess_function(lexicon(), catalog(ours)))) == {}


def test_schemas_of_a_platform_are_left_out() -> None:
    seen = catalog(schemas=("auth", "cron", "public", "billing"))
    said = written(list(guess_catalog(lexicon(), seen, find_tables(lexicon(), seen, {}, {}))))
    assert said["catalog.ignore_schemas"] == ("auth", "cron")
    assert said["catalog.tables.jobs"] == "cases"
