import asyncio
import json
import os
import shutil
import time
from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.machine.directories import cache_dir, run_dirs
from harness.machine.in_use import in_use
from harness.machine.journal import Journal
from harness.postgres import template as templates
from harness.postgres.account import Account
from harness.postgres.binaries import _fingerprint, find_binaries
from harness.postgres.cluster import Cluster
from harness.postgres.template import cached_template

pytestmark = pytest.mark.integration


@pytest.fixture
def cache(run_base: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = run_base / "cache"
    monkeypatch.setenv("SHAKEDOWN_CACHE_DIR", str(path))
    return path


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def the_template(cache: Path) -> Path:
    (home,) = cache.glob("cluster-*")
    return home


async def start_and_stop(journal: Journal) -> None:
    cluster = await Cluster.start(journal)
    await cluster.stop()


async def test_it_is_made_once(cache: Path, journal: Journal) -> None:
    await start_and_stop(journal)
    home = the_template(cache)
    made = (home / "template.json").stat().st_mtime_ns
    await start_and_stop(journal)
    assert (home / "template.json").stat().st_mtime_ns == made
    assert names(cache) == [home.name]


async def test_two_runs_make_it_at_the_same_time(cache: Path, journal: Journal) -> None:
    clusters = await asyncio.gather(*(Cluster.start(journal) for _ in range(2)))
    for cluster in clusters:
        assert cluster.is_alive()
        await cluster.stop()
    assert len(names(cache)) == 1


async def test_one_that_lost_a_file_is_made_again(cache: Path, journal: Journal) -> None:
    await start_and_stop(journal)
    home = the_template(cache)
    (home / "data" / "global" / "pg_control").unlink()
    await start_and_stop(journal)
    assert (home / "data" / "global" / "pg_control").exists()


async def test_a_ruin_without_its_description_is_made_again(cache: Path, journal: Journal) -> None:
    await start_and_stop(journal)
    home = the_template(cache)
    description = home / "template.json"
    whole = description.read_text()
    assert templates._read(home)
    for text in ("", "{}", "[]", '{"password": 1}', '{"password": "x", "files": 1}', "\xff"):
        description.write_text(text)
        assert templates._read(home) is None
    description.unlink()
    await start_and_stop(journal)
    assert json.loads(description.read_text())["files"] == json.loads(whole)["files"]


async def test_nobody_else_can_read_it(cache: Path, journal: Journal) -> None:
    await start_and_stop(journal)
    home = the_template(cache)
    modes = [path.stat().st_mode & 0o777 for path in (cache, home, home / "template.json")]
    assert modes == [0o700, 0o700, 0o600]


A_DAY_S = 24 * 3600


def old_cache(cache: Path, ages: dict[str, float]) -> None:
    cache.mkdir(mode=0o700)
    for name, age in ages.items():
        (cache / name).mkdir()
        os.utime(cache / name, (time.time() - age, time.time() - age))


async def test_those_of_other_installations_stay_until_no_run_uses_them(
    cache: Path, journal: Journal
) -> None:
    others = {f"cluster-other-{number}": number * A_DAY_S for number in range(1, 8)}
    long_ago = {"cluster-old": 31 * A_DAY_S, "cluster-in-use": 31 * A_DAY_S}
    old_cache(cache, {**others, **long_ago, ".making-old": 7200, ".making-new": 10})
    with in_use(cache / "cluster-in-use") as held:
        assert held
        # As a run that read it before, and copies it for longer than anybody would wait.
        os.utime(cache / "cluster-in-use", (0, 0))
        await start_and_stop(journal)
    left = set(names(cache))
    assert {*others, "cluster-in-use", ".making-new"} < left
    assert not {"cluster-old", ".making-old"} & left


async def test_every_run_notes_that_it_used_its_template(cache: Path, journal: Journal) -> None:
    await start_and_stop(journal)
    home = the_template(cache)
    os.utime(home, (0, 0))
    await start_and_stop(journal)
    assert time.time() - home.stat().st_mtime < 60


def test_installations_of_one_release_share_a_template(tmp_path: Path) -> None:
    installed = find_binaries(Account()).programs.parent
    for name in ("a", "b", "other"):
        for file in ("bin/postgres", "bin/initdb", "share/postgresql/postgres.bki"):
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(installed / file, path)
            os.utime(path, (1, ord(name[0])))
    with (tmp_path / "other/share/postgresql/postgres.bki").open("a") as changed:
        changed.write("# another catalog")
    first, second, other = (_fingerprint(tmp_path / name) for name in ("a", "b", "other"))
    assert first == second == find_binaries(Account()).fingerprint != other


async def test_initdb_that_fails_says_why(
    cache: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "_INITDB_OPTIONS", ("--encoding=KLINGON", "--username=x"))
    with pytest.raises(Misconfigured, match=r"(?s)^initdb exited with 1; .*KLINGON"):
        await start_and_stop(journal)
    assert names(cache) == []
    assert set(names(journal.run_dir)) <= {"journal.jsonl", "logs"}


def shared_memory() -> set[str]:
    """What nobody uses any more: POSIX segments, and System V's with no process attached."""
    system_v = Path("/proc/sysvipc/shm").read_text(encoding="ascii").splitlines()[1:]
    unused = {f"shmid {row.split()[1]}" for row in system_v if row.split()[6] == "0"}
    return unused | {path.name for path in Path("/dev/shm").glob("PostgreSQL.*")}


async def test_initdb_that_hangs_is_ended(
    cache: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    segments = shared_memory()
    for deadline_s in (0.05, 0.1):  # in each of its stages
        monkeypatch.setattr(templates, "_INITDB_DEADLINE_S", deadline_s)
        with pytest.raises(Misconfigured, match=rf"initdb did not end within {deadline_s} s"):
            await start_and_stop(journal)
    assert shared_memory() <= segments


async def test_a_copy_that_fails_says_why(cache: Path, journal: Journal) -> None:
    workshop = journal.run_dir / "w"
    workshop.mkdir(mode=0o711)
    account = Account.for_server()
    (journal.run_dir / "in the way").touch()
    async with cached_template(find_binaries(account), account, workshop, "run") as template:
        with pytest.raises(Misconfigured, match=r"(?s)cannot copy the database cluster to .*cp: "):
            await template.copy_to(journal.run_dir / "in the way", "run")


def test_a_cache_that_others_can_write_to_is_refused(cache: Path) -> None:
    cache.mkdir(mode=0o777)
    cache.chmod(0o777)
    with pytest.raises(Misconfigured, match="is not a directory that only we can write to"):
        cache_dir()


def test_a_cache_that_is_a_link_is_refused(cache: Path, tmp_path: Path) -> None:
    cache.symlink_to(tmp_path)
    with pytest.raises(Misconfigured, match="is not a directory that only we can write to"):
        cache_dir()


def test_a_cache_that_cannot_be_made(cache: Path) -> None:
    cache.write_text("a file")
    with pytest.raises(Misconfigured, match=r"is not a directory"):
        cache_dir()


def test_without_a_home_it_is_in_the_temp_dir(
    run_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_entry(uid: int) -> None:
        raise KeyError(uid)

    for name in ("SHAKEDOWN_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", no_entry)
    monkeypatch.setattr("tempfile.tempdir", str(run_base))
    assert cache_dir() == run_base / f"shakedown-cache-{os.geteuid()}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_what_is_closed_to_us_is_left_alone(
    run_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home", "shakedown-cache-1", "temp"):
        (run_base / name).mkdir(mode=0o700)
    os.chown(run_base / "temp", 65534, 65534)
    monkeypatch.delenv("SHAKEDOWN_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(run_base / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(run_base / "temp"))
    os.seteuid(65534)
    try:
        assert cache_dir() == run_base / "temp" / "shakedown-cache-65534"
        assert list(run_dirs([run_base])) == []
    finally:
        os.seteuid(0)


async def test_a_user_that_the_system_does_not_know(cache: Path, tmp_path: Path) -> None:
    account = Account(54321, 54321)
    with pytest.raises(Misconfigured, match=r"user id 54321 has no entry in /etc/passwd.*add one"):
        async with cached_template(find_binaries(Account()), account, tmp_path, "run"):
            pass
    assert names(tmp_path) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make homes of other users")
def test_somebody_elses_home_is_not_used(run_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = run_base / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    monkeypatch.delenv("SHAKEDOWN_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("tempfile.tempdir", str(run_base))
    assert cache_dir() == run_base / "shakedown-cache-0"
    assert list(home.iterdir()) == []
