import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from harness.machine.commands import KEPT_BYTES, run_command
from harness.machine.processes import Process

PYTHON = (sys.executable, "-S", "-c")


async def test_what_a_command_came_to() -> None:
    ended = await run_command((*PYTHON, "import sys; print('so'); sys.exit(3)"), timeout_s=20)
    assert (ended.exit_code, ended.output, ended.is_ok) == (3, "so\n", False)
    assert "ended with 3" in ended.describe()
    assert (await run_command((*PYTHON, ""), timeout_s=20)).is_ok


async def test_no_shell_reads_the_words(tmp_path: Path) -> None:
    word = f"$(touch {tmp_path}/made); `id` *"
    ended = await run_command((*PYTHON, "import sys; print(sys.argv[1])", word), timeout_s=20)
    assert ended.output == word + "\n"
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a moment


@pytest.mark.parametrize("argv", [("/no/such/program",), ("/",), ("a\0b",)])
async def test_what_cannot_be_started_is_told(argv: tuple[str, ...]) -> None:
    ended = await run_command(argv, timeout_s=20)
    assert ended.exit_code is None
    assert "could not be started" in ended.describe()


SLEEPER = "import os, sys, time; os.fork(); print(os.getpid(), flush=True); time.sleep(60)"


async def test_at_its_deadline_it_ends_with_all_its_children() -> None:
    # A busy machine may not have started both by the first deadline.
    for timeout_s in (1, 5, 25):
        ended = await run_command((*PYTHON, SLEEPER), timeout_s=timeout_s)
        assert ended.exit_code is None
        assert f"did not end within {timeout_s} s and was killed" in ended.describe()
        pids = [int(line) for line in ended.output.split()]
        assert not any(map(Process.of, pids))
        if len(pids) == 2:
            return
    pytest.fail("the program and its child did not both start within 25 s")


async def test_it_ends_when_we_are_cancelled() -> None:
    started: list[Process] = []
    running = asyncio.ensure_future(
        run_command((*PYTHON, SLEEPER), timeout_s=60, on_start=started.append)
    )
    while not started:
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not started[0].is_alive()


async def test_it_ends_when_it_is_of_no_use_any_more() -> None:
    ended = await run_command((*PYTHON, SLEEPER), timeout_s=60, is_over=lambda: True)
    assert ended.exit_code is None


async def test_a_child_that_stays_neither_hangs_us_nor_is_ended() -> None:
    spawn = (
        "import subprocess, sys; "
        "print(subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)']).pid)"
    )
    began = time.monotonic()
    ended = await run_command((*PYTHON, spawn), timeout_s=30)
    assert ended.is_ok
    assert time.monotonic() - began < 25
    pid = int(ended.output)
    assert Process.of(pid)
    os.kill(pid, 9)


async def test_of_endless_output_the_end_is_kept() -> None:
    script = f"print('x' * {KEPT_BYTES * 10}); print('the end')"
    ended = await run_command((*PYTHON, script), timeout_s=20)
    assert len(ended.output) <= KEPT_BYTES
    assert ended.output.endswith("the end\n")
