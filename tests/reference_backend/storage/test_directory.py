"""Objects are whole or absent, whatever happens to their writer."""

import asyncio
import errno
import hashlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from reference_backend.storage.directory import CHUNK_BYTES, Storage
from reference_backend.storage.objects import ObjectMissing, StorageUnavailable


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    made = Storage(tmp_path / "root")
    made.prepare()
    return made


def files(tmp_path: Path) -> list[str]:
    root = tmp_path / "root"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


async def test_a_published_object_is_there_whole(storage: Storage, tmp_path: Path) -> None:
    content = os.urandom(3 * CHUNK_BYTES + 17)

    async with storage.stage() as staged:
        for start in range(0, len(content), 65536):
            await staged.write(content[start : start + 65536])
        assert (staged.size, staged.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert files(tmp_path)[0].startswith("staging/")
        stored = await staged.publish("evidence/o/e.png")

    assert (stored.path, stored.size) == ("evidence/o/e.png", len(content))
    assert stored.sha256 == await storage.sha256("evidence/o/e.png")
    assert await storage.size("evidence/o/e.png") == len(content)
    assert b"".join([chunk async for chunk in storage.read("evidence/o/e.png")]) == content
    assert files(tmp_path) == ["evidence/o/e.png"]


@pytest.mark.parametrize(("start", "length"), [(0, 0), (0, 5), (7, None), (CHUNK_BYTES - 1, 3)])
async def test_ranges(storage: Storage, start: int, length: int | None) -> None:
    content = os.urandom(CHUNK_BYTES + 100)
    async with storage.stage() as staged:
        await staged.write(content)
        await staged.publish("x/y")

    read = b"".join([chunk async for chunk in storage.read("x/y", start=start, length=length)])

    assert read == content[start:][:length]


async def test_filled_by_a_writer_that_seeks(storage: Storage) -> None:
    def write(file: IO[bytes]) -> str:
        file.write(b"hello world")
        file.seek(0)
        file.write(b"J")
        return "done"

    async with storage.stage() as staged:
        assert await staged.fill(write) == "done"
        assert staged.size == 11
        stored = await staged.publish("x/y")
    assert stored.sha256 == hashlib.sha256(b"Jello world").hexdigest()


async def test_what_is_not_published_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    async with storage.stage() as staged:
        await staged.write(b"x" * 2 * CHUNK_BYTES)
    assert files(tmp_path) == []


async def test_a_canceled_writer_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    started = asyncio.Event()

    async def upload() -> None:
        async with storage.stage() as staged:
            while True:
                await staged.write(b"x" * CHUNK_BYTES)
                started.set()

    task = asyncio.create_task(upload())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert files(tmp_path) == []


async def test_a_full_disk_is_an_outage_and_leaves_nothing(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def upload() -> None:
        async with storage.stage() as staged:
            await staged.write(b"x")
            await staged.publish("x/y")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageUnavailable, match="No space left"):
        await upload()
    assert files(tmp_path) == []


async def test_synced_before_it_is_visible(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File, then name, then directory: in another order a power cut could leave half an object."""
    steps = []
    sync, rename = os.fsync, Path.rename

    def noting_sync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append(f"sync {path.name.partition('.')[2] or path.name}")
        sync(descriptor)

    def noting_rename(path: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noting_sync)
    monkeypatch.setattr(Path, "rename", noting_rename)
    async with storage.stage() as staged:
        await staged.write(b"x")
        await staged.publish("a/b/c")

    assert steps == ["sync part", "sync root", "sync a", "rename", "sync b"]
    assert files(tmp_path) == ["a/b/c"]


async def test_absent_objects(storage: Storage) -> None:
    for attempt in (storage.size("x"), storage.sha256("x")):
        with pytest.raises(ObjectMissing):
            await attempt
    with pytest.raises(ObjectMissing):
        await anext(storage.read("x"))
    await storage.delete("x")


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", "staging/x.part"])
async def test_no_path_leads_out(storage: Storage, path: str) -> None:
    with pytest.raises(ObjectMissing):
        await storage.size(path)
    with pytest.raises(ObjectMissing):
        await storage.delete(path)


async def test_a_store_that_vanished_is_an_outage(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "root").rename(tmp_path / "elsewhere")

    async def stage() -> None:
        async with storage.stage():
            pass

    for attempt in (stage(), storage.size("x")):
        with pytest.raises(StorageUnavailable):
            await attempt
    assert not (tmp_path / "root").exists()


async def test_orphans_of_the_dead_go_and_files_of_the_living_stay(
    storage: Storage, tmp_path: Path
) -> None:
    staging = tmp_path / "root" / "staging"
    (staging / "dead.part").write_bytes(b"x")
    (staging / "dead-but-young.part").write_bytes(b"x")
    long_ago = time.time() - 3600
    async with storage.stage() as staged:
        await staged.write(b"x")
        for path in staging.iterdir():
            if path.name != "dead-but-young.part":
                os.utime(path, (long_ago, long_ago))

        assert await storage.remove_orphans(older_than_s=60) == 1

        assert "staging/dead.part" not in files(tmp_path)
        assert "staging/dead-but-young.part" in files(tmp_path)
        await staged.publish("x/y")
    assert "x/y" in files(tmp_path)


@pytest.mark.integration
async def test_a_killed_writer_leaves_an_orphan_and_no_object(
    storage: Storage, tmp_path: Path
) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path\n"
        "from reference_backend.storage.directory import Storage\n"
        "async def main():\n"
        f"    async with Storage(Path({str(tmp_path / 'root')!r})).stage() as staged:\n"
        "        await staged.write(b'x' * 2**20)\n"
        "        print('written', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    assert await writer.stdout.readline() == b"written\n"
    (path,) = (tmp_path / "root" / "staging").iterdir()
    os.utime(path, (0, 0))
    assert await storage.remove_orphans(older_than_s=60) == 0, "its writer is alive"

    writer.send_signal(signal.SIGKILL)
    await writer.wait()

    assert await storage.remove_orphans(older_than_s=60) == 1
    assert files(tmp_path) == []
