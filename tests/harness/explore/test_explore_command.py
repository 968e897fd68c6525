"""`shakedown explore` as its users call it, on a database that they name."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.warm import run_shakedown

from .conftest import HERE, TaskQueue

pytestmark = pytest.mark.integration

DEADLINE_S = 90


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "harness", "explore", *words]


async def run(*words: str, dsn: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **({"SHAKEDOWN_EXPLORE_DSN": dsn} if dsn else {})}
    done = await asyncio.to_thread(
        run_shakedown,
        ["explore", *words],
        cwd=Path.cwd(),
        env=environment,
        deadline_s=DEADLINE_S,
    )
    return subprocess.CompletedProcess(words, done.code, done.stdout, done.stderr)


PROTOCOL = str(HERE / "tasks.toml")


async def test_a_violation_is_told_and_written_down(task_queue: TaskQueue, tmp_path: Path) -> None:
    await task_queue.replace_claim("grab_select_then_update.sql")
    out = tmp_path / "out"
    words = ("--protocol", PROTOCOL, "--steps", "claim", "--limit", "5", "--out", str(out))
    done = await run(*words, dsn=task_queue.dsn)
    assert done.returncode == 1, done.stderr
    assert "violated: claimed-twice" in done.stdout
    assert "B waits for A" in done.stdout
    record = json.loads((out / "explore.json").read_text(encoding="utf-8"))
    assert record["verdict"] == "fail"
    assert record["violations"][0]["steps"] == 3
    password = task_queue.dsn.split(":")[2].split("@")[0]
    assert password not in done.stdout + done.stderr + json.dumps(record)
    assert await task_queue.run("SELECT * FROM tasks") == []


async def test_a_budget_is_said_to_be_used_up(task_queue: TaskQueue) -> None:
    words = ("--protocol", PROTOCOL, "--limit", "3")
    done = await run(*words, dsn=task_queue.dsn)
    assert done.returncode == 2
    assert "3 interleavings run" in done.stdout
    assert "the budget of 3 interleavings is used up" in done.stdout
    assert (
        "not explored, because the protocol file has no SQL for them: fail, release" in done.stdout
    )


async def test_exports_of_somebody_are_not_removed_unasked(task_queue: TaskQueue) -> None:
    await task_queue.run("INSERT INTO tasks (tenant) VALUES ('precious')")
    words = ("--protocol", PROTOCOL, "--limit", "1")
    refused = await run(*words, dsn=task_queue.dsn)
    assert refused.returncode == 3
    assert "has 1 exports already, and [exports] reset would remove them" in refused.stderr
    assert len(await task_queue.run("SELECT * FROM tasks")) == 1
    done = await run(*words, "--remove-exports", dsn=task_queue.dsn)
    assert done.returncode == 2
    assert await task_queue.run("SELECT * FROM tasks") == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--dsn", "postgresql://me:secret-word@host/db"), "--dsn needs --protocol"),
        (("--steps", "cliam"), "unknown step cliam; expected some of claim, heartbeat"),
        (("--remove-exports",), "--remove-exports is for --dsn"),
        (("--dsn", "no=dsn secret-word", "--protocol", PROTOCOL), "--dsn: neither"),
    ],
)
async def test_refusals(words: tuple[str, ...], told: str) -> None:
    done = await run(*words)
    assert done.returncode == 3
    assert told in done.stderr
    assert "secret-word" not in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    done = await run("--protocol", PROTOCOL, "--dsn", "postgresql://me:secret-word@127.0.0.1:1/x")
    assert done.returncode == 2
    assert "no connection" in done.stderr
    assert "secret-word" not in done.stderr


async def test_ctrl_c_leaves_nothing(task_queue: TaskQueue) -> None:
    environment = {**os.environ, "SHAKEDOWN_EXPLORE_DSN": task_queue.dsn}
    running = await asyncio.create_subprocess_exec(
        *command("--protocol", PROTOCOL),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        until = time.monotonic() + DEADLINE_S
        while not await task_queue.run("SELECT * FROM tasks WHERE status = 'doing'"):
            assert time.monotonic() < until, "it never began"
            await asyncio.sleep(0.02)
        running.send_signal(signal.SIGINT)
        _, stderr = await asyncio.wait_for(running.communicate(), timeout=DEADLINE_S)
    finally:
        if running.returncode is None:
            running.kill()
    assert running.returncode == 130, stderr
    assert b"everything that was made has been removed" in stderr
    assert b"Traceback" not in stderr
    assert await task_queue.run("SELECT * FROM tasks") == []
    assert await task_queue.sessions() == []
