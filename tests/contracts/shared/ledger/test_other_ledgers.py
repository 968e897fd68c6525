"""Ledgers with names, numbers and hashes of their own: judged where the target file says how."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from contracts.hash.ledger_editor import ledger_editor
from contracts.shared.ledger.hash_chain import StoredEvent
from contracts.shared.ledger.stored_ledger import DatabaseFunction, StoredLedger
from harness.database import Database
from harness.errors import CheckFailed, Inconclusive
from harness.target.tables.ledger import Ledger

pytestmark = pytest.mark.integration

SQL = Path(__file__).with_name("trigger_ledger.sql").read_text(encoding="utf-8")
COUNTED = "COALESCE(last.no, 0) + 1"
TEXT = """jsonb_pretty(jsonb_build_object('n', NEW.no, 'tenant', NEW.tenant,
    'who', COALESCE(NEW.who, ''), 'what', NEW.what, 'subject', NEW."subjectId",
    'at', to_char(NEW.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'details', NEW.details))"""
DETAILS = '{"size": 1.10, "deep": [{"é": null}]}'
WHO: Mapping[int, str | None] = {1: "somebody", 2: None, 3: "somebody"}
NAMES = {
    "ledger_seq": "n",
    "organization_id": "tenant",
    "actor_id": "who",
    "event_name": "what",
    "target_id": "subject",
    "created_at": "at",
    "metadata": "details",
}


@dataclass(frozen=True, kw_only=True)
class Other:
    """A ledger: how its trigger works, and what its target file says of it."""

    sql: Mapping[str, str] = field(default_factory=dict)
    says: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

    def script(self, schema: str) -> str:
        known = {
            "schema": schema,
            "id": "uuid DEFAULT gen_random_uuid()",
            "hash": "text",
            "order": "t.no DESC",
            "number": COUNTED,
            "text": TEXT,
            "link": "last.seal",
            "linked": " || convert_to(COALESCE(NEW.before, ''), 'UTF8')",
            "digest": "encode(sha256",
            "salt": "salt",
            "encoded": ", 'hex')",
        } | dict(self.sql)
        text = SQL
        for name in ("text", *known):
            text = text.replace(f"{{{name}}}", known[name])
        return text

    def ledger(self, schema: str) -> Ledger:
        columns = {
            "id": "entryId",
            "organization_id": "tenant",
            "ledger_seq": "no",
            "actor_id": "who",
            "event_name": "what",
            "target_type": "",
            "target_id": "subjectId",
            "created_at": "at",
            "metadata": "details",
            "prev_hash": "before",
            "hash": "seal",
            "salt_key_id": "",
            "canonical_version": "",
        } | dict(self.columns)
        said = {"salts": {"only": SecretStr("salt")}, "names": NAMES} | dict(self.says)
        return Ledger.model_validate({"table": f"{schema}.trail", "columns": columns} | said)


GLOBAL = Other(
    sql={"number": "nextval('{schema}.numbers')", "id": "bigint GENERATED ALWAYS AS IDENTITY"},
    says={"sequence": "global"},
)
UNNUMBERED = Other(
    sql={
        "number": "NULL",
        "order": "t.at DESC",
        "text": TEXT.replace("'n', NEW.no, ", ""),
        "id": "uuid DEFAULT gen_random_uuid()",
    },
    says={
        "sequence": "none",
        "order_by": ("at",),
        "names": {name: own for name, own in NAMES.items() if name != "ledger_seq"},
    },
)
OTHERS = {
    "names of its own": Other(),
    "one sequence": GLOBAL,
    "numbers with gaps": Other(
        sql={"number": "COALESCE(last.no, 0) + 3"}, says={"sequence": "gaps"}
    ),
    "no numbers": UNNUMBERED,
    "no salt": Other(sql={"salt": ""}, says={"salts": False}),
    "bytea, linked by its bytes": Other(
        sql={
            "hash": "bytea",
            "linked": " || COALESCE(NEW.before, '')",
            "digest": "sha256",
            "encoded": "",
        },
        says={"prev_hash_as": "bytes"},
    ),
    "bytea, linked by its text": Other(
        sql={
            "hash": "bytea",
            "linked": " || convert_to(COALESCE(NEW.before::text, ''), 'UTF8')",
            "digest": "sha256",
            "encoded": "",
        },
        says={"prev_hash_as": "\\x"},
    ),
    "a text on one line, with nulls": Other(
        sql={
            "text": TEXT.replace("jsonb_pretty(", "(")
            .replace("COALESCE(NEW.who, '')", "NEW.who")
            .replace("NEW.details))", "NEW.details, 'v', 2, 'of', '{\"kind\": [true]}'::jsonb))")
            + "::text"
        },
        says={"form": "jsonb", "nulls": "null", "constants": {"v": 2, "of": {"kind": [True]}}},
    ),
    "the id and the link in the text": Other(
        sql={
            "text": TEXT.replace("'who'", "'id', NEW.\"entryId\", 'prev', NEW.before, 'who'"),
            "linked": "",
            "link": "COALESCE(last.seal, repeat('0', 64))",
        },
        says={
            "names": {**NAMES, "id": "id", "prev_hash": "prev"},
            "hashed": "{canonical}{salt}",
            "genesis": "0" * 64,
        },
    ),
}


@asynccontextmanager
async def written(database: Database, other: Other) -> AsyncIterator[tuple[StoredLedger, str]]:
    """Three events of each of two organizations, in a ledger; and the first one's id."""
    schema = f"other_{uuid.uuid4().hex[:8]}"
    await database.fetch(f"CREATE SCHEMA {schema}")
    try:
        script = other.script(schema).replace("%", "%%").replace("{schema}", schema)
        async with database.connect() as connection:
            await connection.execute(script.replace("%%", "%").encode())
        mine, theirs = str(uuid.uuid4()), str(uuid.uuid4())
        for number in range(1, 4):
            for tenant in (mine, theirs):
                await database.fetch(
                    f'INSERT INTO {schema}.trail (tenant, who, what, "subjectId", details) '
                    "VALUES (%s, %s, %s, %s, %s::jsonb)",
                    [tenant, WHO[number], f"made.{number}", uuid.uuid4(), DETAILS],
                )
        yield StoredLedger(database=database, ledger=other.ledger(schema)), mine
    finally:
        await database.fetch(f"DROP SCHEMA {schema} CASCADE")


async def test_a_canonical_function_that_is_not_there_is_no_crash(database: Database) -> None:
    async with written(database, Other()) as (stored, org):
        event = (await stored.chain(org))[0]
        function = DatabaseFunction(database=database, name="canonicl")
        with pytest.raises(Inconclusive, match=r"\[ledger\] canonical_function, or leave that out"):
            await stored.canonical_from_backend(function, event, DETAILS)


@pytest.mark.parametrize("name", OTHERS)
async def test_a_ledger_as_it_is_declared(database: Database, name: str) -> None:
    async with written(database, OTHERS[name]) as (stored, org):
        events = await stored.expect_valid_chain(org)
        assert [event.fields["event_name"] for event in events] == ["made.1", "made.2", "made.3"]
        async with ledger_editor(database, stored.ledger) as editor:
            await editor.save()
            await editor.extend(stored, org, 9)
            assert len(await stored.expect_valid_chain(org)) == 9
            await editor.restore(org)
            assert await stored.expect_valid_chain(org) == events
            for change, subject in CHANGES.items():
                await CHANGED[change](editor, events)
                await expect_refused(stored, org, subject)
                await editor.restore(org)
            await editor.swap(events[1], events[2])
            await expect_refused(stored, org, "prev_hash")


async def _forked(editor: Any, events: list[StoredEvent]) -> None:  # noqa: ANN401
    second = events[1]
    anew = replace(events[2], prev_hash=second.prev_hash)
    salts = editor.ledger.plain_salts
    await editor.change(
        events[2], {"prev_hash": second.prev_hash, "hash": anew.expected_hash(salts)}
    )


CHANGES = {"a detail": "hash", "a hash": "hash", "an event removed": "", "a fork": "fork"}
CHANGED: Mapping[str, Any] = {
    "a detail": lambda editor, events: editor.change(
        events[1], {"metadata": '{"size": 1.1, "deep": [{"é": null}]}'}
    ),
    "a hash": lambda editor, events: editor.change(
        events[2], {"hash": (events[2].hash or "")[::-1]}
    ),
    "an event removed": lambda editor, events: editor.remove(events[1]),
    "a fork": _forked,
}


async def expect_refused(stored: StoredLedger, org: str, subject: str) -> CheckFailed:
    with pytest.raises(CheckFailed) as caught:
        await stored.expect_valid_chain(org)
    assert subject in {"", caught.value.subject}
    assert caught.value.rule == ("ledger.no-fork" if subject == "fork" else "ledger.chain-valid")
    return caught.value


WRONG: Mapping[str, tuple[str, Mapping[str, Any], str]] = {
    "gaps, not said": ("numbers with gaps", {"sequence": "per-organization"}, "ledger_seq"),
    "another name": ("names of its own", {"names": {**NAMES, "actor_id": "actor"}}, "hash"),
    "a member left out": ("names of its own", {"names": {**NAMES, "metadata": ""}}, "hash"),
    "said to have no salt": ("names of its own", {"salts": False}, "hash"),
    "another constant": ("a text on one line, with nulls", {"constants": {"v": 3}}, "hash"),
    "no genesis": ("the id and the link in the text", {"genesis": ""}, "prev_hash"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_declaration_is_told(database: Database, wrong: str) -> None:
    name, says, subject = WRONG[wrong]
    async with written(database, OTHERS[name]) as (stored, org):
        found = await expect_refused(declared(stored, name, says), org, subject)
        if subject == "ledger_seq":
            assert "[ledger]" in f"{found}"


def declared(stored: StoredLedger, name: str, says: Mapping[str, Any]) -> StoredLedger:
    right = OTHERS[name]
    schema = stored.ledger.table.partition(".")[0]
    ledger = replace(right, says={**right.says, **says}).ledger(schema)
    return StoredLedger(database=stored.database, ledger=ledger)


UNDECLARED: Mapping[str, tuple[str, Mapping[str, Any], str, str]] = {
    "one sequence": (
        "one sequence",
        {"sequence": "per-organization"},
        "sequence",
        'sequence = "global"',
    ),
    "a count of each organization": (
        "names of its own",
        {"sequence": "global"},
        "sequence",
        'sequence = "per-organization"',
    ),
    "another order": (
        "no numbers",
        {"order_by": ("who", "at")},
        "order_by",
        'order_by = ["at"]',
    ),
    "links in bytes": (
        "bytea, linked by its bytes",
        {"prev_hash_as": "hex"},
        "prev_hash_as",
        'prev_hash_as = "bytes"',
    ),
    "nulls": ("a text on one line, with nulls", {"nulls": "empty"}, "nulls", 'nulls = "null"'),
    "a text on one line, and nulls": (
        "a text on one line, with nulls",
        {"nulls": "empty", "form": "jsonb_pretty"},
        "form, nulls",
        'form = "jsonb", nulls = "null"',
    ),
    "times": (
        "names of its own",
        {"created_at_format": "YYYY-MM-DD HH24:MI:SS.US"},
        "created_at_format",
        """created_at_format = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'""",
    ),
    "parts in another order": (
        "names of its own",
        {"hashed": "{salt}{canonical}:{prev_hash}"},
        "hashed",
        'hashed = "{canonical}{prev_hash}{salt}"',
    ),
}


@pytest.mark.parametrize("which", UNDECLARED)
async def test_a_whole_chain_in_another_form_is_told_with_its_line(
    database: Database, which: str
) -> None:
    name, says, keys, line = UNDECLARED[which]
    async with written(database, OTHERS[name]) as (stored, org):
        wrong = declared(stored, name, says)
        with pytest.raises(CheckFailed) as caught:
            await wrong.expect_valid_chain(org)
        assert (caught.value.rule, caught.value.subject) == ("ledger.as-declared", keys)
        assert line in caught.value.got


@pytest.mark.parametrize("which", UNDECLARED)
@pytest.mark.parametrize("change", CHANGES)
async def test_no_wrong_declaration_excuses_a_broken_chain(
    database: Database, which: str, change: str
) -> None:
    name, says, _, _ = UNDECLARED[which]
    async with written(database, OTHERS[name]) as (stored, org):
        events = await stored.expect_valid_chain(org)
        async with ledger_editor(database, stored.ledger) as editor:
            await CHANGED[change](editor, events)
        with pytest.raises(CheckFailed) as caught:
            await declared(stored, name, says).expect_valid_chain(org)
        assert caught.value.rule in {"ledger.chain-valid", "ledger.no-fork"}
