"""An installed PostgreSQL in place of the built-in one."""

import os
import stat
from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.machine.directories import cache_dir
from harness.machine.journal import Journal
from harness.postgres import installed as installed_module
from harness.postgres.account import Account
from harness.postgres.binaries import find_binaries
from harness.postgres.cluster import Cluster
from harness.postgres.database_server import create_database
from harness.postgres.installed import find_installed, installations
from harness.postgres.server import connect
from harness.postgres.template import OBSERVER, OWNER

from .installations import installed, require_installed

pytestmark = pytest.mark.integration


async def ask(url: str, *asked: str) -> list[tuple[object, ...]]:
    async with connect(url) as connection:
        *before, last = asked
        for statement in before:
            await connection.execute(statement.encode())
        found = await connection.execute(last.encode())
        return await found.fetchall() if found.description else []


def program(directory: Path, prints: str, code: int = 0, initdb: str = "") -> Path:
    """Make what looks like an installation, whose server only prints a line."""
    (directory / "bin").mkdir(parents=True)
    scripts = {"postgres": f"echo '{prints}'\nexit {code}", "initdb": f"echo '{initdb}'\nexit 1"}
    for name, script in scripts.items():
        file = directory / "bin" / name
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)
    return directory


def refusal(wanted: str) -> str:
    with pytest.raises(Misconfigured) as caught:
        find_installed(wanted)
    return str(caught.value)


async def test_it_runs_beside_the_one_that_comes_along(
    run_base: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_installed()
    monkeypatch.setenv("SHAKEDOWN_CACHE_DIR", str(run_base / "cache"))
    first = await Cluster.start(journal)
    await first.stop()
    (own,) = cache_dir().glob("cluster-*")
    for number, one in enumerate(installed(), 2):
        cluster = await Cluster.start(journal, binaries=str(one.programs))
        try:
            assert cluster.version.split(".")[0] == str(one.major)
            await cluster.create_database("original")
            owner, control = cluster.url("original", OWNER), cluster.url("original")
            await ask(owner, "CREATE TABLE t AS SELECT 'É' AS word, 1 AS n")
            await ask(control, "CREATE EXTENSION hstore")  # of contrib
            await create_database(cluster.url("postgres"), "clone", "original")
            reader = cluster.url("clone", OBSERVER)
            assert await ask(reader, "SELECT n, lower(word) FROM t") == [(1, "é")]
            ordered = "SELECT word FROM (VALUES ('b'), ('B'), ('a')) AS v (word) ORDER BY word"
            assert await ask(reader, ordered) == [("B",), ("a",), ("b",)]  # by code points
            assert await ask(reader, "SELECT 'a=>1'::hstore -> 'a'") == [("1",)]
            await cluster.restart()
            assert await ask(reader, "SELECT count(*) FROM t") == [(1,)]
        finally:
            await cluster.stop()
        templates = set(cache_dir().glob("cluster-*"))
        assert len(templates) == number  # each has its own, and none was removed
        assert own in templates


def test_by_directory_and_by_release(run_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = program(run_base / "pg", "postgres (PostgreSQL) 16.4")
    by_home, by_bin = find_installed(str(home)), find_installed(str(home / "bin"))
    assert by_home == by_bin
    assert (by_home.major, by_home.programs) == (16, home / "bin")
    monkeypatch.setattr(installed_module, "_USUAL_PLACES", (f"{run_base}/none-{{}}",))
    monkeypatch.setattr(installed_module, "_PACKAGES", ())
    monkeypatch.setenv("PATH", str(home / "bin"))
    assert list(installations()) == [by_home]
    assert find_installed("16") == by_home
    message = refusal("17")
    assert 'database.binaries = "17": no PostgreSQL 17 is installed' in message
    assert f"got 16 in {home}/bin" in message
    assert "apt-get install postgresql-17" in message


def test_what_cannot_be_used(run_base: Path) -> None:
    (run_base / "clients" / "bin").mkdir(parents=True)
    old = program(run_base / "old", "postgres (PostgreSQL) 14.9")
    new = program(run_base / "new", "postgres (PostgreSQL) 19beta1")
    broken = program(run_base / "broken", "libssl.so.3: cannot open shared object file", 127)
    mute = program(run_base / "mute", "hello")
    assert "expected a directory with bin/postgres and bin/initdb" in refusal(
        str(run_base / "clients")
    )
    assert "is PostgreSQL 14, which is too old: expected 15 to 18" in refusal(str(old))
    assert "is PostgreSQL 19, which is too new: expected 15 to 18" in refusal(str(new))
    assert "too old" in refusal("9")
    assert "does not run: --version ended with 127: libssl.so.3: cannot open" in refusal(
        str(broken)
    )
    assert "--version ended with 0: hello" in refusal(str(mute))
    (mute / "bin" / "initdb").chmod(0o644)
    assert "expected a directory with bin/postgres" in refusal(str(mute))


async def test_one_whose_initdb_fails(run_base: Path, journal: Journal) -> None:
    home = program(run_base / "half", "postgres (PostgreSQL) 17.1", initdb="no share")
    with pytest.raises(Misconfigured, match=r"(?s)initdb exited with 1; .*no share"):
        await Cluster.start(journal, binaries=str(home))


def test_two_of_one_release_are_two(run_base: Path) -> None:
    one = find_installed(str(program(run_base / "one", "postgres (PostgreSQL) 17.1")))
    two = find_installed(str(program(run_base / "two", "postgres (PostgreSQL) 17.1")))
    assert one.fingerprint() != two.fingerprint()
    before = one.fingerprint()
    os.utime(one.programs / "postgres", (1, 1))  # as an upgrade in its place
    assert one.fingerprint() != before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_one_in_a_closed_home_is_copied_if_it_can_be(
    run_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(run_base))
    account = Account(65534, 65534)
    home = program(run_base / "closed" / "venv" / "pg", "postgres (PostgreSQL) 17.1")
    (run_base / "closed").chmod(0o700)
    with pytest.raises(Misconfigured, match=r"the user 65534 cannot reach .*chmod a\+rx"):
        find_binaries(account, str(home))
    for name in ("lib/x.so", "share/postgres.bki"):
        (home / name).parent.mkdir()
        (home / name).touch()
    found = find_binaries(account, str(home))
    assert found.postgres.stat().st_mode & stat.S_IXOTH
    assert not found.postgres.is_relative_to(run_base / "closed")
    assert find_binaries(Account(), str(home)).programs == home / "bin"
