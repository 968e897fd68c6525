"""Somebody stops a long `shakedown prove`: what is known is written, and nothing stays behind."""

import json
import signal

import pytest

from .conftest import Workplace

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_during_a_run_of_the_gate(workplace: Workplace, number: signal.Signals, code: int) -> None:
    process = workplace.start("prove", "digest-in-hex", "--out", "proof")
    workplace.wait_for(lambda: len(workplace.leftovers()) > 6, "the gate to bring a system up")
    process.send_signal(number)
    finished = workplace.finish(process)
    assert finished.code == code, finished.stderr
    assert "interrupted: 0 of 1 defects tried" in finished.stdout
    known = json.loads((workplace.folder / "proof" / "prove.json").read_text(encoding="utf-8"))
    assert known["schema"] == 1
    assert known["defects"] == []
    assert "Traceback" not in finished.stdout + finished.stderr
    assert workplace.leftovers() == []
