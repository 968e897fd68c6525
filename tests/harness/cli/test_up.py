"""`shakedown up`: what a second shell, or a command inside, gets of the system."""

import os
import re
import shlex
import signal
import sys
import urllib.request
from pathlib import Path

import pytest

from harness.cli.env_file import EnvFile
from harness.errors import Misconfigured

from .conftest import Workplace

INSIDE = """
. ./env.sh
test "$BACKEND_URL" = "$TOLD" || exit 8
"$PYTHON" -c 'import os, urllib.request as u
print("answer", u.urlopen(os.environ["BACKEND_URL"] + "/readyz").status)'
exit 7
"""


@pytest.mark.integration
def test_a_command_runs_inside_and_its_exit_code_is_handed_on(workplace: Workplace) -> None:
    words = ["up", "--target", "shakedown.toml", "--env-file", "env.sh", "--", "sh", "-c"]
    script = f"TOLD=$BACKEND_URL; PYTHON={shlex.quote(sys.executable)}\n{INSIDE}"
    finished = workplace.shakedown(*words, script)
    assert (finished.code, finished.stdout) == (7, "answer 200\n"), finished.stderr
    assert not (workplace.folder / "env.sh").exists()
    assert workplace.leftovers() == []


@pytest.mark.integration
def test_the_file_is_there_when_the_system_is_ready_and_gone_afterwards(
    workplace: Workplace,
) -> None:
    file = workplace.folder / "env.sh"
    process = workplace.start("up", "--target", "shakedown.toml", "--env-file", "env.sh")
    workplace.wait_for(file.exists, "the file of the environment")
    written = file.read_text()
    (url,) = re.findall(r"^export BACKEND_URL=(.*)$", written, re.MULTILINE)
    with urllib.request.urlopen(url + "/readyz") as answer:  # noqa: S310 - http
        assert answer.status == 200
    assert file.stat().st_mode & 0o777 == 0o600
    process.send_signal(signal.SIGTERM)
    finished = workplace.finish(process)
    assert (finished.code, finished.stdout) == (0, "")
    assert not file.exists()
    (locustfile,) = re.findall(r"locust -f (\S+)", finished.stderr)
    assert Path(locustfile).is_file()
    assert workplace.leftovers() == []


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_command_too(workplace: Workplace, number: signal.Signals) -> None:
    script = "trap 'exit 9' TERM; echo began; sleep 60 & wait"
    process = workplace.start("up", "--target", "shakedown.toml", "--", "sh", "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == "began\n"
    # A terminal's Ctrl-C reaches the whole group; SIGTERM is sent to one process.
    (os.killpg if number is signal.SIGINT else os.kill)(process.pid, number)
    finished = workplace.finish(process)
    assert finished.code == (130 if number is signal.SIGINT else 9)
    assert workplace.leftovers() == []


@pytest.mark.integration
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--", "no-such-program"], "no-such-program: there is no such program"),
        (["--env-file", "shakedown.toml"], "shakedown.toml: the file was not written by"),
        (["--env-file", "nowhere/env.sh"], "nowhere/env.sh: cannot be written"),
        (["stray"], "unexpected extra argument"),
    ],
)
def test_what_is_refused_before_anything_starts(
    workplace: Workplace, words: list[str], told: str
) -> None:
    finished = workplace.shakedown("up", "--target", "shakedown.toml", *words)
    assert finished.code == 3
    assert told in finished.stderr
    assert "ready" not in finished.stderr


def test_a_file_of_one_that_was_killed_is_replaced_and_of_a_running_one_is_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "env.sh"
    running = EnvFile(path)
    running.write({"JOB_ID": "it's 7"})
    text = path.read_text()
    assert "export JOB_ID='it'\"'\"'s 7'\n" in text
    with pytest.raises(Misconfigured, match="which still runs"):
        EnvFile(path)
    path.write_text(text.replace(f"process {os.getpid()} ", "process 999999999 "))
    EnvFile(path)
    assert not path.exists()


def test_a_file_that_somebody_else_has_put_there_meanwhile_stays(tmp_path: Path) -> None:
    file = EnvFile(tmp_path / "env.sh")
    file.write({"JOB_ID": "7"})
    (tmp_path / "env.sh").write_text("mine")
    file.remove()
    assert (tmp_path / "env.sh").read_text() == "mine"
