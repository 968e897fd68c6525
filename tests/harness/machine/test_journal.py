import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from harness.machine import journal as journals
from harness.machine.journal import Journal, Owner, read_entries, read_owner
from harness.machine.processes import Process
from harness.recovery.healing import end_run
from harness.recovery.recover import recover


@pytest.fixture
def journal(run_base: Path) -> Iterator[Journal]:
    made = Journal.begin(run_base)
    yield made
    end_run(made)


def test_a_run_begins_with_its_owner_on_disk(journal: Journal) -> None:
    assert journal.run_dir.name == f"shakedown-{journal.run_id}"
    assert journal.run_dir.stat().st_mode & 0o777 == 0o711
    assert (journal.run_dir / "journal.jsonl").stat().st_mode & 0o777 == 0o600
    owner = read_owner(journal.run_dir)
    assert owner == Owner.ours()
    assert owner.is_alive()


def test_what_is_undone_is_forgotten(journal: Journal) -> None:
    first = journal.note("directory", path="/a")
    second = journal.note("process", what="api-1")
    journal.amend(second, pid=1, started="2")
    journal.undone(first)
    run, process = read_entries(journal.run_dir).values()
    assert run.kind == "run"
    assert (process.kind, process.facts["what"]) == ("process", "api-1")
    assert process.process == Process(1, "2")


def test_it_is_on_disk_at_once(journal: Journal) -> None:
    journal.note("process", what="api-1")
    last = (journal.run_dir / "journal.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["what"] == "api-1"


def test_a_line_that_was_cut_off_is_left_out(journal: Journal) -> None:
    journal.note("directory", path="/a")
    with (journal.run_dir / "journal.jsonl").open("ab") as file:
        file.write(b'\xff\xfe\n[1]\n"x"\n{"kind": "directory"}\n{"entry": "1", "pa')
    assert [entry.kind for entry in read_entries(journal.run_dir).values()] == ["run", "directory"]


def test_closing_removes_the_directory(run_base: Path) -> None:
    journal = Journal.begin(run_base)
    (journal.run_dir / "a" / "b").mkdir(parents=True)
    healing = end_run(journal)
    assert healing.removed == [journal.run_dir]
    assert not healing.problems
    assert end_run(journal).removed == []
    assert list(run_base.iterdir()) == []


def test_closing_removes_directories_elsewhere(run_base: Path) -> None:
    journal = Journal.begin(run_base)
    elsewhere = run_base / "elsewhere"
    elsewhere.mkdir()
    journal.note("directory", path=str(elsewhere))
    journal.note("directory", path=str(run_base / "never made"))
    end_run(journal)
    assert list(run_base.iterdir()) == []


def test_whoever_attached_does_not_remove_it(journal: Journal) -> None:
    script = (
        "import sys, pathlib; from harness.machine.journal import Journal\n"
        "j = Journal.attach(pathlib.Path(sys.argv[1])); j.note('process', what='x'); j.close()"
    )
    import sys

    subprocess.run([sys.executable, "-c", script, str(journal.run_dir)], check=True)
    kinds = [entry.kind for entry in read_entries(journal.run_dir).values()]
    assert kinds == ["run", "attached", "process"]


def test_closing_ends_processes_and_faults(run_base: Path) -> None:
    journal = Journal.begin(run_base)
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    entry = journal.note("process", what="api-1")
    process = Process.of(child.pid)
    assert process
    journal.amend(entry, pid=process.pid, started=process.started)
    witness = run_base / "healed"
    journal.note("fault", what="storage is full", undo=["touch", str(witness)])
    journal.note("fault", what="impossible", undo=["no-such-program-anywhere"])
    healing = end_run(journal)
    assert child.wait(5) == -9
    assert healing.ended == [f"api-1 (pid {process.pid})"]
    assert healing.undone == ["storage is full"]
    assert witness.exists()
    (problem,) = healing.problems
    assert problem.startswith("the fault 'impossible' could not be undone: ")


def test_a_fault_that_was_healed_is_not_healed_again(run_base: Path) -> None:
    journal = Journal.begin(run_base)
    journal.undone(journal.note("fault", what="paused", undo=["touch", str(run_base / "healed")]))
    assert end_run(journal).undone == []
    assert not (run_base / "healed").exists()


def abandon(base: Path, monkeypatch: pytest.MonkeyPatch, **changes: object) -> Journal:
    """Begin a run whose owner is long dead, or otherwise as told."""
    owner = Owner.read({**asdict(Owner.ours()), "pid": 2**22 - 1, **changes})
    with monkeypatch.context() as patch:
        patch.setattr(Owner, "ours", lambda: owner)
        return Journal.begin(base)


def test_recover_heals_the_dead_and_spares_the_living(
    run_base: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = abandon(run_base, monkeypatch)
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    process = Process.of(child.pid)
    assert process
    dead.note("process", what="worker-1", pid=process.pid, started=process.started)
    recovery = recover([run_base])
    assert recovery.alive == (journal.run_id,)
    (healing,) = recovery.healed
    assert healing.run_id == dead.run_id
    assert healing.ended == [f"worker-1 (pid {process.pid})"]
    assert child.wait(5) == -9
    assert not dead.run_dir.exists()
    assert journal.run_dir.exists()
    assert recover([run_base]).healed == ()


def test_recover_ends_orphaned_helpers_of_a_dead_run(
    run_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = abandon(run_base, monkeypatch)
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    process = Process.of(child.pid)
    assert process
    dead.note("attached", pid=process.pid, started=process.started)
    recover([run_base])
    assert child.wait(5) == -9


def test_a_process_that_has_only_the_pid_is_spared(
    run_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = abandon(run_base, monkeypatch)
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    dead.note("process", what="worker-1", pid=child.pid, started="1")
    recover([run_base])
    assert child.poll() is None
    child.kill()
    child.wait()


@pytest.mark.parametrize(
    ("changes", "healed"),
    [
        ({"boot": "another"}, True),
        ({"boot": "another", "pid": os.getpid()}, True),
        # In another container the pid says nothing: the run may be alive.
        ({"namespace": "pid:[1]"}, False),
        ({"namespace": "pid:[1]", "boot": "another"}, True),
    ],
)
def test_who_counts_as_dead(
    run_base: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], healed: bool
) -> None:
    dead = abandon(run_base, monkeypatch, **changes)
    assert bool(recover([run_base]).healed) is healed
    assert dead.run_dir.exists() is not healed


def test_a_run_without_an_owner_is_given_a_minute(
    run_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_made = run_base / ".shakedown-77-aa"
    half_made.mkdir()
    (half_made / "journal.jsonl").touch()
    assert recover([run_base]).alive == ("77-aa",)
    minute_ago = time.time() - 61
    os.utime(half_made, (minute_ago, minute_ago))
    assert recover([run_base]).healed[0].run_id == "77-aa"
    assert not half_made.exists()


def test_directories_that_are_no_runs_are_spared(run_base: Path) -> None:
    (run_base / "shakedown-report").mkdir()
    (run_base / "shakedown-cache-0").mkdir()
    elsewhere = run_base / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "journal.jsonl").touch()
    (run_base / "shakedown-link").symlink_to(elsewhere)
    assert recover([run_base]) == recover([])
    assert len(list(run_base.iterdir())) == 4


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of other users")
def test_runs_of_other_users_are_spared(run_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = abandon(run_base, monkeypatch)
    os.chown(dead.run_dir, 65534, 65534)
    assert recover([run_base]) == recover([])
    assert dead.run_dir.exists()


def test_boot_and_namespace_are_known_here() -> None:
    assert journals._boot()
    assert journals._namespace().startswith("pid:")
