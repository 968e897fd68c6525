"""The cached data directory: initialized once per installation, copied for every cluster."""

import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from harness.errors import Misconfigured
from harness.machine.directories import cache_dir, whole_or_not_at_all
from harness.machine.in_use import in_use, remove_unused
from harness.machine.ports import LOOPBACK
from harness.postgres.account import Account
from harness.postgres.binaries import Binaries
from harness.postgres.pid_file import remove_shared_memory
from harness.postgres.programs import run_program
from harness.postgres.releases import initdb_options
from harness.postgres.server import SUPERUSER, Server, ServerFiles, connect

_INITDB_OPTIONS = (
    f"--username={SUPERUSER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--wal-segsize=1",  # a megabyte to copy instead of 16
    "--no-sync",
    "--no-instructions",
)
_INITDB_DEADLINE_S = 60.0
_COPY_DEADLINE_S = 60.0

OWNER = "backend"
"""The role that backends connect as and that owns their databases."""
OBSERVER = "observer"
"""The role that checks read with."""
BLANK = "blank"
"""An empty database that every cluster begins with."""
_FORMAT = "2"
"""Changes with what is done to the directory after initdb."""
_UNUSED_S = 30 * 24 * 3600
"""After that long without a run a template is removed: its installation is updated or gone."""
_ABANDONED_S = 3600
"""After that long no run is still making a template."""


@dataclass(frozen=True, kw_only=True)
class ClusterTemplate:
    """A data directory that is never started, only copied."""

    data_dir: Path
    password: str
    """The superuser's, until a cluster that was copied from it gets its own."""
    files: int

    async def copy_to(self, destination: Path, run_id: str) -> None:
        """Copy it, owners and modes included; `destination` must not exist yet."""
        # A process of its own leaves this one free to import what it needs meanwhile, and
        # copies faster than Python.
        command = ["cp", "-a", str(self.data_dir), str(destination)]
        log_path = destination.with_name("cp.log")
        try:
            await run_program(command, Account(), run_id, log_path, _COPY_DEADLINE_S)
        except Misconfigured as error:
            raise Misconfigured(
                f"cannot copy the database cluster to {destination}: {error.what}"
            ) from error
        finally:
            log_path.unlink(missing_ok=True)


@asynccontextmanager
async def cached_template(
    binaries: Binaries, account: Account, workshop: Path, run_id: str
) -> AsyncIterator[ClusterTemplate]:
    """Give the template of these binaries for the block; make it first when there is none yet.

    `workshop` is an existing directory for making it that `account` can reach. Two runs that
    make it at the same time do not disturb each other: it appears whole, by a rename. Those of
    other installations stay, and no other run removes it during the block.
    Raises `Misconfigured` when it cannot be made.
    """
    home = cache_dir() / f"cluster-{_fingerprint(binaries, account)}"
    for made in (False, True):
        with in_use(home) as is_there:
            found = _read(home) if is_there else None
            if found is not None:
                yield found
                return
        if not made:
            await _store(await _make(binaries, account, workshop, run_id), home, run_id)
            _forget_old_ones(home)
    raise Misconfigured(f"the template cluster in {home} is damaged; remove it")


def _fingerprint(binaries: Binaries, account: Account) -> str:
    options = (*_INITDB_OPTIONS, *initdb_options(binaries.major))
    facts = [_FORMAT, binaries.fingerprint, *options, _roles(), str(account.uid)]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _roles() -> str:
    return (files("harness.postgres") / "roles.sql").read_text(encoding="utf-8")


def _read(home: Path) -> ClusterTemplate | None:
    """Read a template; None when there is none, or when parts of it have been cleaned away."""
    try:
        facts = json.loads((home / "template.json").read_text(encoding="ascii"))
        data_dir = home / "data"
        template = ClusterTemplate(data_dir=data_dir, **facts)
    except (OSError, ValueError, TypeError):
        return None
    return template if count_files(data_dir) == template.files else None


def count_files(directory: Path) -> int:
    """Count the files below a directory."""
    return sum(len(names) for _, _, names in os.walk(directory))


async def _make(
    binaries: Binaries, account: Account, workshop: Path, run_id: str
) -> ClusterTemplate:
    """Initialize a data directory with our roles, stopped cleanly, in the workshop."""
    if not account.has_entry:
        uid = os.geteuid() if account.uid is None else account.uid
        raise Misconfigured(
            f"the user id {uid} has no entry in /etc/passwd, and PostgreSQL's initdb does not run "
            f"without: add one (shakedown:x:{uid}:{uid}::/tmp:/bin/sh), run as another user, or "
            "use a database in a container (--driver docker)"
        )
    password = secrets.token_hex(32)
    place, data_dir, password_file = _prepare(account, workshop, password)
    files_of_it = (f"--pgdata={data_dir}", f"--pwfile={password_file}")
    options = (*_INITDB_OPTIONS, *initdb_options(binaries.major))
    command = [str(binaries.initdb), *files_of_it, *options]
    try:
        await run_program(command, account, run_id, place / "initdb.log", _INITDB_DEADLINE_S)
    except BaseException:
        remove_shared_memory(data_dir)  # of a server that initdb ran, if it was killed with it
        raise
    password_file.unlink()
    where = ServerFiles(
        binaries=binaries,
        account=account,
        data_dir=data_dir,
        log_path=place / "log",
        run_id=run_id,
    )
    server = await Server.start(where)
    try:
        url = f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{server.port}/postgres"
        async with connect(url) as connection:
            await connection.execute(_roles().encode())
            # Migrations will run here. Copying an empty database along with the template costs
            # less than CREATE DATABASE, which takes longer than starting the cluster.
            await connection.execute(
                f"CREATE DATABASE {BLANK} OWNER {OWNER} STRATEGY file_copy".encode()
            )
    finally:
        await server.stop(clean=True)
    for leftover in ("postmaster.opts", "postmaster.pid"):
        (data_dir / leftover).unlink(missing_ok=True)
    return ClusterTemplate(data_dir=data_dir, password=password, files=count_files(data_dir))


def _prepare(account: Account, workshop: Path, password: str) -> tuple[Path, Path, Path]:
    """Make what initdb needs, so that `account` can use it and no other user can read it."""
    place = Path(tempfile.mkdtemp(prefix="template-", dir=workshop))
    place.chmod(0o711)
    data_dir = place / "data"
    data_dir.mkdir(mode=0o700)
    account.own(data_dir)
    password_file = place / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password, encoding="ascii")
    account.own(password_file)
    return place, data_dir, password_file


async def _store(made: ClusterTemplate, home: Path, run_id: str) -> None:
    """Put a template into the cache, whole or not at all."""
    try:
        with whole_or_not_at_all(home, lambda: _read(home) is not None) as making:
            await made.copy_to(making / "data", run_id)
            facts = making / "template.json"
            facts.touch(mode=0o600)
            known = {"password": made.password, "files": made.files}
            facts.write_text(json.dumps(known), encoding="ascii")
    finally:
        shutil.rmtree(made.data_dir.parent, ignore_errors=True)


def _forget_old_ones(home: Path) -> None:
    """Remove what updates of the binaries and killed runs have left in the cache.

    Other installations of this user have their templates here as well: how many there are says
    nothing, only how long one was not used.
    """
    for path in home.parent.glob("cluster-*"):
        if path != home:
            remove_unused(path, _UNUSED_S)
    for path in home.parent.glob(".making-*"):
        if time.time() - path.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(path, ignore_errors=True)
