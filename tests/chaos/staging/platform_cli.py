"""The command line of a made-up platform: knows instances by the files that hold their pids."""

import os
import signal
import sys
import time
from pathlib import Path

SIGNALS = {"kill": signal.SIGKILL, "pause": signal.SIGSTOP, "resume": signal.SIGCONT}


def kill_at_work(pid: int, worker: str, database: str) -> None:
    """Kill a worker while it holds an export: between two of them nothing would be lost."""
    import psycopg

    held = "SELECT 1 FROM exports WHERE state = 'preparing' AND claimed_by = %s LIMIT 1"
    with psycopg.connect(database, autocommit=True) as connection:
        while True:
            os.killpg(pid, signal.SIGSTOP)
            if connection.execute(held, [worker]).fetchone():
                os.killpg(pid, signal.SIGKILL)
                return
            os.killpg(pid, signal.SIGCONT)
            time.sleep(0.02)


def state_of(pid: int) -> str:
    """The letter of a process's state; of one that is gone, as of one that is not reaped yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return "Z"
    return stat.rpartition(")")[2].split()[0]


def main(folder: Path, word: str, instance: str) -> int:
    with (folder / "platform.log").open("a", encoding="utf-8") as log:
        log.write(f"{word} {instance}\n")
    pid = int((folder / f"{instance}.pid").read_text(encoding="utf-8"))
    if word in SIGNALS:
        os.killpg(pid, SIGNALS[word])
        return 0
    if word == "kill-at-work":
        kill_at_work(pid, instance, (folder / "database").read_text(encoding="utf-8"))
        return 0
    if word in {"is-dead", "is-paused"}:
        return 0 if state_of(pid) in {"is-dead": "Z", "is-paused": "T"}[word] else 1
    if word == "pause-all":
        for file in folder.glob("*.pid"):
            os.killpg(int(file.read_text(encoding="utf-8")), signal.SIGSTOP)
        return 0
    if word == "resume-all":
        for file in folder.glob("*.pid"):
            os.killpg(int(file.read_text(encoding="utf-8")), signal.SIGCONT)
        return 0
    if word == "hang":
        time.sleep(60)
    return {"nothing": 0, "fail": 7}.get(word, 2)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
