"""Where the output goes decides how it looks: a terminal, a terminal in CI, a pipe."""

import os
import pty
import re
import subprocess
import sys

import pytest

from .conftest import Workplace

pytestmark = pytest.mark.integration

TWO = """
@check("own.passes", "It passes", checklist="Own works", observes=1)
async def check_passes(observe):
    observe()
    await asyncio.sleep(0.5)

@check("own.fails", "It fails", checklist="Own works", observes=1)
async def check_fails(observe):
    raise CheckFailed(expected="a", got="b")
"""


def _on_a_terminal(workplace: Workplace, **environment: str) -> str:
    workplace.checks(TWO)
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *workplace.gate_words("--seed", "7")],
        cwd=workplace.folder,
        env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLUMNS": "100", **environment},
        stdin=terminal, stdout=terminal, stderr=terminal,
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    try:
        while piece := os.read(controller, 65536):
            shown += piece
    except OSError:
        pass  # the other end is closed: the command has ended
    os.close(controller)
    assert process.wait(timeout=30) == 1
    return shown.decode()


def test_a_terminal_shows_live_progress_and_then_the_checklist(workplace: Workplace) -> None:
    shown = _on_a_terminal(workplace)
    assert "\x1b[?25l" in shown  # the cursor is hidden while something is redrawn
    assert re.search(r"own.passes  It passes[^\n]*0\.[2-9] s", shown)
    assert " of 2 · " in shown
    after = shown[shown.rindex("\x1b[?25h") :]
    assert re.search("✔.*own.passes", after)
    assert re.search("✘.*own.fails", after)
    assert "shakedown run --only own.fails --seed 7" in after


def test_in_ci_nothing_is_redrawn(workplace: Workplace) -> None:
    shown = _on_a_terminal(workplace, CI="true")
    assert "\x1b[?25l" not in shown
    assert "\x1b[2K" not in shown
    assert "✘" in shown


def test_no_color_is_honored(workplace: Workplace) -> None:
    shown = _on_a_terminal(workplace, NO_COLOR="1", CI="true")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", shown)


def test_a_pipe_gets_plain_lines_as_checks_finish(workplace: Workplace) -> None:
    workplace.checks(TWO)
    finished = workplace.gate("--seed", "7")
    assert "\x1b" not in finished.stdout
    lines = finished.stdout.splitlines()
    assert re.match(r"target standin, profile quick, seed 7, report out", lines[0])
    assert re.match(r"ready in \d\.\d\d s: 1 API \+ 0 workers", lines[1])
    assert re.match(r"pass +own\.passes +\d\.\d\d s  1 observed  It passes", lines[2])
    assert re.match(r"FAIL +own\.fails ", lines[3])
    assert lines[-1].startswith("FAIL: 1 failed, 1 passed in ")


def test_without_out_every_run_has_a_folder_and_latest_is_the_newest(workplace: Workplace) -> None:
    workplace.checks(TWO)
    words = ["run", "--target", "shakedown.toml", "--no-built-in", "checks", "--seed", "7"]
    first, second = workplace.shakedown(*words), workplace.shakedown(*words)
    assert (first.code, second.code) == (1, 1)
    reports = workplace.folder / "shakedown-report"
    assert len([path for path in reports.iterdir() if not path.is_symlink()]) == 2
    assert (reports / "latest" / "results.json").is_file()
    assert f"report: shakedown-report/{(reports / 'latest').readlink()}" in second.stdout


def test_a_reader_that_goes_away_does_not_end_the_run(workplace: Workplace) -> None:
    workplace.checks(TWO)
    process = workplace.start(*workplace.gate_words())
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    assert workplace.finish(process).code == 1
    assert (workplace.folder / "out" / "results.json").is_file()
