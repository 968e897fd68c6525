"""File systems of a run: of the size that was asked for, and gone with it."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.machine.journal import Journal, read_entries
from harness.machine.mounts import cannot_mount, mount_memory, remount, unmount
from harness.recovery.recover import recover

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(cannot_mount()), reason=cannot_mount()),
]

KILLED = """
import os, sys
from pathlib import Path
from harness.machine.journal import Journal
from harness.machine.mounts import mount_memory, remount
journal = Journal.begin(Path(sys.argv[1]))
place = journal.run_dir / "storage"
place.mkdir()
mount_memory(journal, place, 1 << 20)
(place / "file").write_text("x")
remount(place, writable=False)
os.kill(os.getpid(), 9)
"""


def test_it_has_a_size_and_can_be_made_read_only(journal: Journal) -> None:
    place = journal.run_dir / "storage"
    place.mkdir(mode=0o750)
    entry = mount_memory(journal, place, 1 << 20)
    assert os.statvfs(place).f_blocks * os.statvfs(place).f_frsize == 1 << 20
    assert place.stat().st_mode & 0o777 == 0o750
    remount(place, writable=False)
    with pytest.raises(OSError) as refused:
        (place / "file").touch()
    assert refused.value.errno == errno.EROFS
    assert "mount" in {each.kind for each in read_entries(journal.run_dir).values()}
    assert unmount(place) == ""
    assert unmount(place) == "", "it may be called twice"
    journal.undone(entry)
    assert not place.is_mount()


def test_that_of_a_run_that_was_killed_is_recovered(run_base: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(run_base)], check=False, timeout=60)
    [place] = run_base.glob("shakedown-*/storage")
    assert place.is_mount()
    [healing] = recover([run_base]).healed
    assert f"mount {place}" in healing.removed
    assert healing.problems == []
    assert not place.exists()
