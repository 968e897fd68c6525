"""Queues of well-known designs, right and with a planted bug, explored from their files alone."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.explore import (
    Exploration,
    ExploredDatabase,
    PlannedScenario,
    explore,
    load_protocol,
    plan,
    rehearse,
    render_exploration,
)
from harness.postgres.cluster import Cluster

from .conftest import HERE, queue_of

pytestmark = pytest.mark.integration

QUEUES = HERE / "queues"
FEW = 6
"""Scenarios with at most so many interleavings are run here."""

Edits = Sequence[tuple[str, str]]


async def explored(
    cluster: Cluster, folder: Path, name: str, *, file: Edits = (), sql: Edits = ()
) -> Exploration:
    """Explore a queue after edits of its protocol file and of its SQL."""
    text, tables = edited(QUEUES / f"{name}.toml", file), edited(QUEUES / f"{name}.sql", sql)
    protocol_file = folder / "claims.toml"
    protocol_file.write_text(text, encoding="utf-8")
    protocol = load_protocol(protocol_file)
    async with queue_of(cluster, tables) as queue:
        database = await ExploredDatabase.open(queue.dsn, protocol)
        try:
            await rehearse(database)
            return await explore(database, few(protocol.kinds(), protocol.takes_over), seed=1)
        finally:
            assert await database.close() == []


def edited(path: Path, edits: Edits) -> str:
    text = path.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return text


def few(kinds: frozenset[str], takes_over: bool) -> list[PlannedScenario]:
    planned = plan(kinds, workers=2, takes_over=takes_over, brief=True)  # type: ignore[arg-type]
    return [each for each in planned if each.interleavings <= FEW]


def without_age(name: str) -> str:
    text = (QUEUES / f"{name}.toml").read_text(encoding="utf-8")
    return text[text.index("age = ") : text.index("[heartbeat]")]


@pytest.mark.parametrize("name", ["fenced", "leased", "messages"])
async def test_a_right_queue_holds(cluster: Cluster, tmp_path: Path, name: str) -> None:
    found = await explored(cluster, tmp_path, name)
    assert found.findings == {}
    assert found.is_conclusive
    assert "stale-token" in found.rules


@pytest.mark.parametrize(
    ("name", "file", "sql", "rule"),
    [
        ("fenced", (), (("AND beat < clock_timestamp() - older ", ""),), "stolen-live"),
        ("fenced", (), (("AND beat <", "AND false AND beat <"),), "not-recovered"),
        ("fenced", (("AND lease = %(token)s ", ""),), (), "stale-token"),
        ("leased", (("AND lease = %(token)s AND status = 'doing' AND", "AND"),), (), "stale-token"),
        ("leased", (), ((" AND expires < clock_timestamp()", ""),), "claimed-twice"),
        ("leased", (), (("= t.tries + 1", "= 1"),), "attempt-not-risen"),
        ("messages", ((" AND receipt = %(token)s", ""),), (), "stale-token"),
        ("messages", (('deleted_by = ["complete"]', "deleted_by = []"),), (), "lost"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_bug_is_found(
    cluster: Cluster, tmp_path: Path, name: str, file: Edits, sql: Edits, rule: str
) -> None:
    found = await explored(cluster, tmp_path, name, file=file, sql=sql)
    assert rule in found.findings


async def test_without_a_way_to_let_time_pass_nothing_is_said_to_hold(
    cluster: Cluster, tmp_path: Path
) -> None:
    age = without_age("leased")
    found = await explored(cluster, tmp_path, "leased", file=((age, ""),))
    assert not found.is_conclusive
    text = "\n".join(render_exploration(found, []))
    assert "not looked at: what happens when an owner falls silent" in text
    assert "write [claim] age" in text
    assert "hold in every" not in text
    never = await explored(cluster, tmp_path, "leased", file=((age, "takes_over = false\n"),))
    assert never.is_conclusive


SESSION_LOCKS = """
WITH c AS MATERIALIZED (SELECT id FROM task WHERE status = 'todo' ORDER BY id)
SELECT id, NULL AS lease FROM c WHERE pg_try_advisory_lock(id) LIMIT %(limit)s
"""
SEEN_IN_LOCKS = """
SELECT id, CASE WHEN status = 'todo' AND EXISTS (
  SELECT FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.objid = task.id::int
) THEN 'doing' ELSE status END AS status, tries, lease FROM task ORDER BY id
"""
GRAB = "SELECT id, lease FROM grab(%(limit)s)"
QUERY = "SELECT id, status, tries, lease, beat FROM task ORDER BY id"
COMPLETE = "SELECT finish(%(export_id)s, %(token)s, 'done')"


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        (
            ((f'"{GRAB}"', f'"""{SESSION_LOCKS}"""'), (f'"{QUERY}"', f'"""{SEEN_IN_LOCKS}"""')),
            r"shows a claim before it has committed .*: todo → doing\).*pg_advisory_lock",
        ),
        (((f'"{GRAB}"', f'"""{SESSION_LOCKS}"""'),), r"nothing that \[state\] query selects has"),
        (
            ((GRAB, "DELETE FROM task WHERE status = 'todo' RETURNING id, lease"),),
            r"\[claim\] sql removed export \d+",
        ),
        (
            ((COMPLETE, "DELETE FROM task WHERE id = %(export_id)s AND lease = %(token)s"),),
            r'\[complete\] sql removed export .* write deleted_by = \["complete"\] in \[state\]',
        ),
        (((GRAB, GRAB.replace("id,", "id + 1 AS id,")),), r"which \[state\] query does"),
        (((QUERY, QUERY.replace("beat", "clock_timestamp()")),), r"another answer each time"),
        (
            (("WHERE status = 'doing' FOR", "WHERE false FOR"),),
            r"\[recover\] age returned no id for export",
        ),
        (
            ((QUERY, QUERY.replace("lease", "laese")),),
            r"\[state\] query: ERROR 42703: .*\n  LINE 1: .*\n *\^\n  HINT: Perhaps",
        ),
        (((GRAB, "SELECT * FORM grab(1)"),), r"\[claim\] sql: ERROR 42601: .*\n  LINE 1: SELECT"),
        (
            (("DEFAULT VALUES", "(status) VALUES (NULL)"),),
            r"insert .*ERROR 23502: .*\n  DETAIL: Failing row contains",
        ),
        ((('token = "lease"', 'token = "leese"'),), r"no column 'leese' \(\[state\] token\)"),
    ],
    ids=["session locks seen", "session locks", "pops", "removes", "other ids", "restless", "age",
         "column", "syntax", "insert", "token"],
)  # fmt: skip
async def test_what_cannot_be_judged_is_refused_with_a_word(
    cluster: Cluster, tmp_path: Path, edits: Edits, told: str
) -> None:
    with pytest.raises(Misconfigured, match=told):
        await explored(cluster, tmp_path, "fenced", file=edits)


async def test_a_takeover_besides_recovery_is_asked_about(cluster: Cluster, tmp_path: Path) -> None:
    takes_silent = (
        "WHERE status = 'todo' ORDER",
        "WHERE status = 'todo' OR (status = 'doing' AND beat < now() - interval '5 min') ORDER",
    )
    with pytest.raises(Misconfigured, match="write takes_over = true"):
        await explored(cluster, tmp_path, "fenced", sql=(takes_silent,))
    for said, rules in (("true", set()), ("false", {"claimed-twice"})):
        edit = ("[claim]\n", f"[claim]\ntakes_over = {said}\n")
        found = await explored(cluster, tmp_path, "fenced", file=(edit,), sql=(takes_silent,))
        assert set(found.findings) == rules


PREPARED = """
[connection]
worker = "SET ROLE reader"

[exports]
prepare = "CREATE TABLE made (LIKE task INCLUDING ALL); CREATE ROLE reader"
clean_up = "DROP TABLE made; DROP ROLE reader"
"""
MADE = (
    ("INSERT INTO task", "INSERT INTO made"),
    ("DELETE FROM task", "DELETE FROM made"),
    ("FROM task ORDER", "FROM made ORDER"),
    ("[exports]\n", PREPARED),
)


async def test_preparation_comes_before_anything(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "claims.toml"
    file.write_text(edited(QUEUES / "fenced.toml", MADE), encoding="utf-8")
    async with queue_of(cluster, (QUEUES / "fenced.sql").read_text(encoding="utf-8")) as queue:
        database = await ExploredDatabase.open(queue.dsn, load_protocol(file))
        assert await database.count_exports() == 0
        assert await database.close() == []
        assert await queue.run("SELECT to_regclass('made')") == [(None,)]
        # What is there already is not ours to remove.
        await queue.run("CREATE TABLE made (precious int)")
        with pytest.raises(Misconfigured, match=r"\[exports\] prepare: ERROR 42P07"):
            await ExploredDatabase.open(queue.dsn, load_protocol(file))
        assert await queue.run("SELECT count(*) FROM made") == [(0,)]
        assert await queue.sessions() == []
