"""A database that runs elsewhere is read, by a role that can do nothing else."""

import re
import uuid
from collections.abc import AsyncIterator

import psycopg
import pytest

from harness.errors import Misconfigured
from harness.system import System
from harness.system.reader import refuse_unfit_reader
from harness.target.load import DEFAULT_TARGET

from .conftest import Gate, known_by

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PASSWORD = "marked-password-7c41"
OWNED = """
CREATE TABLE public.of_{role} (n int);
ALTER TABLE public.of_{role} OWNER TO {role};
REVOKE ALL ON public.of_{role} FROM {role}
"""
READING = "tenancy.row-security,tenancy.privileges"


async def as_superuser(system: System, sql: str) -> None:
    assert system.control_url is not None
    async with await psycopg.AsyncConnection.connect(system.control_url, autocommit=True) as admin:
        for statement in filter(str.strip, sql.split(";")):
            await admin.execute(statement.encode())


def dsn(system: System, role: str) -> str:
    assert system.control_url is not None
    address = psycopg.conninfo.conninfo_to_dict(system.control_url)
    return f"postgresql://{role}:{PASSWORD}@{address['host']}:{address['port']}/{address['dbname']}"


@pytest.fixture
async def role(reference: System) -> AsyncIterator[str]:
    """A role that may only log in and read."""
    name = f"reader_{uuid.uuid4().hex[:12]}"
    await as_superuser(
        reference,
        f"CREATE ROLE {name} LOGIN BYPASSRLS PASSWORD '{PASSWORD}';"
        f"GRANT pg_read_all_data TO {name}",
    )
    yield name
    await as_superuser(reference, f"DROP OWNED BY {name}; DROP ROLE {name}")


async def test_a_role_that_only_reads_is_fit(reference: System, role: str) -> None:
    assert await refuse_unfit_reader(dsn(reference, role)) == reference.postgres_version


async def test_a_role_may_be_called_anything(reference: System, role: str) -> None:
    name = f"{role}-As-It-Likes"
    await as_superuser(reference, f'ALTER ROLE {role} RENAME TO "{name}"')
    try:
        await refuse_unfit_reader(dsn(reference, name))
    finally:
        await as_superuser(reference, f'ALTER ROLE "{name}" RENAME TO {role}')


@pytest.mark.parametrize(
    ("grant", "why"),
    [
        ("ALTER ROLE {role} SUPERUSER", "it is a superuser"),
        ("ALTER ROLE {role} CREATEROLE", "it may make roles"),
        ("ALTER ROLE {role} NOBYPASSRLS", "row security hides rows of public.evidence from it"),
        ("REVOKE pg_read_all_data FROM {role}", "it may read no table"),
        ("GRANT INSERT ON jobs TO {role}", "it may INSERT INTO public.jobs"),
        ("GRANT UPDATE ON exports TO {role}", "it may UPDATE public.exports"),
        ("GRANT UPDATE (state) ON exports TO {role}", "it may UPDATE columns of public.exports"),
        ("GRANT DELETE ON evidence TO {role}", "it may DELETE FROM public.evidence"),
        ("GRANT TRUNCATE ON audit_logs TO {role}", "it may TRUNCATE public.audit_logs"),
        ("GRANT CREATE ON SCHEMA public TO {role}", "it may make tables in the schema public"),
        ("GRANT CREATE ON DATABASE {database} TO {role}", "it may make schemas in the database"),
        ("GRANT pg_write_all_data TO {role}", "it may DELETE FROM public.audit_logs"),
        ("GRANT pg_execute_server_program TO {role}", "runs programs on the server"),
        ("GRANT {owner} TO {role} WITH INHERIT FALSE", "it owns public.audit_logs"),
        (OWNED, "it owns public.of_reader_"),
    ],
)
async def test_a_role_that_may_do_more_or_sees_less_is_refused(
    reference: System, role: str, grant: str, why: str
) -> None:
    assert reference.database_url is not None
    owner = psycopg.conninfo.conninfo_to_dict(reference.database_url)["user"]
    sql = grant.format(role=role, database=reference.database.name, owner=owner)
    await as_superuser(reference, sql)
    try:
        with pytest.raises(Misconfigured) as refused:
            await refuse_unfit_reader(dsn(reference, role))
    finally:
        await as_superuser(reference, f"ALTER ROLE {role} NOSUPERUSER; REVOKE {owner} FROM {role}")
    assert why in str(refused.value)
    assert "GRANT pg_read_all_data TO" in str(refused.value)
    assert PASSWORD not in str(refused.value)


async def test_a_policy_that_shows_all_is_as_good_as_bypassing(
    reference: System, role: str
) -> None:
    await as_superuser(
        reference,
        f"ALTER ROLE {role} NOBYPASSRLS;"
        + "".join(
            f"CREATE POLICY all_for_{role} ON {table} FOR SELECT TO {role} USING (true);"
            for table in ("jobs", "evidence", "exports", "audit_logs")
        ),
    )
    with pytest.raises(Misconfigured) as refused:
        await refuse_unfit_reader(dsn(reference, role))
    for table in ("jobs", "evidence", "exports", "audit_logs"):
        assert f"rows of public.{table} from it" not in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        f"postgresql://me:{PASSWORD}@127.0.0.1:9/db",
        f"postgresql://me:{PASSWORD}@127.0.0.1:9/db?nonsense=1",
        f"host=127.0.0.1 port=9 password={PASSWORD}",
        PASSWORD,
    ],
)
async def test_no_connection_is_told_without_the_password(given: str) -> None:
    with pytest.raises(Misconfigured, match="SHAKEDOWN_DATABASE_URL") as refused:
        await refuse_unfit_reader(given)
    assert PASSWORD not in str(refused.value)


async def test_the_sql_of_the_refusal_makes_a_role_that_is_fit(
    reference: System, gate: Gate
) -> None:
    environment = await known_by(reference)
    assert reference.control_url is not None
    with_a_superuser = {"SHAKEDOWN_DATABASE_URL": reference.control_url}
    refused = await gate.run("--only", READING, environment=environment | with_a_superuser)
    assert refused.code == 3, refused.told
    assert "it is a superuser" in refused.told
    _, _, made = refused.told.partition("A superuser can make a fit one:")
    sql = "\n".join(re.findall(r"^(?:CREATE|GRANT|ALTER|REVOKE) .*?;", made, re.MULTILINE))
    assert sql.count(";") == 4
    await as_superuser(reference, sql.replace("'...'", f"'{PASSWORD}'"))
    try:
        fit = {"SHAKEDOWN_DATABASE_URL": dsn(reference, "shakedown_reader")}
        words = ("--only", f"{READING},hash.tamper,hash.database-parity")
        outcome = await gate.run(*words, environment=environment | fit)
    finally:
        await as_superuser(reference, "DROP OWNED BY shakedown_reader; DROP ROLE shakedown_reader")
    assert outcome.verdicts() == {
        "tenancy.row-security": "pass",
        "tenancy.privileges": "pass",
        "hash.tamper": "inconclusive",
        "hash.database-parity": "inconclusive",
    }, outcome.told
    why = {name: check["message"] for name, check in outcome.checks.items()}
    assert why["hash.tamper"] == "this target does not offer: database-control, spawn"
    assert "no [ledger]" in why["hash.database-parity"]
    assert PASSWORD not in outcome.told


async def test_the_option_adds_a_database_to_a_target_file(
    reference: System, role: str, gate: Gate
) -> None:
    text = DEFAULT_TARGET.read_text(encoding="utf-8")
    kept = [table for table in re.split(r"(?m)^(?=\[)", text) if table.startswith(KEPT)]
    url = reference.api[0].base_url
    head = f'name = "staging"\ndriver = "external"\n[api]\nbase_urls = ["{url}"]\n'
    file = gate.folder / "staging.toml"
    file.write_text(head + "".join(kept).replace('canonical_function = "ledger_canonical"', ""))
    words = ("--target", str(file), "--only", f"hash.database-parity,{READING}")
    option = ("--database-url", dsn(reference, role))
    outcome = await gate.run(*words, *option, "-n", "2", environment={})
    assert outcome.code == 0, outcome.told
    assert set(outcome.verdicts().values()) == {"pass"}
    for path in filter(lambda path: path.is_file(), outcome.out.rglob("*")):
        assert PASSWORD.encode() not in path.read_bytes(), path


KEPT = ("[tokens.mint", "[ledger]", "[contract]", "[limits]")


@pytest.mark.parametrize(
    ("words", "environment", "told"),
    [
        ((), {"SHAKEDOWN_DATABASE_URL": ""}, "SHAKEDOWN_DATABASE_URL is empty"),
        (("--database-url", " "), {}, "--database-url is empty"),
        (
            (),
            {"SHAKEDOWN_DATABASE_URL": f"postgresql://me:{PASSWORD}@127.0.0.1:9/db"},
            "'reference' has [database] source = \"embedded\"",
        ),
    ],
)
async def test_what_makes_no_sense_is_refused(
    gate: Gate, words: tuple[str, ...], environment: dict[str, str], told: str
) -> None:
    outcome = await gate.run("--only", READING, *words, environment=environment)
    assert outcome.code == 3
    assert told in outcome.told
    assert PASSWORD not in outcome.told
