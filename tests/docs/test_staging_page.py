"""The examples of docs/staging.md are taken as they stand."""

import re
from pathlib import Path

import pytest

from harness.target import Capability, load_target

PAGE = (Path(__file__).parents[2] / "docs" / "staging.md").read_text(encoding="utf-8")
PIECES = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)


def test_all_pieces_together_are_a_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_JWT_SECRET", "0123456789abcdef0123456789abcdef")
    file = tmp_path / "staging.toml"
    file.write_text("\n".join(PIECES), encoding="utf-8")
    target = load_target(file, allow_faults=True)
    assert {Capability.LOAD, Capability.FAULTS} <= target.capabilities()
    assert not {Capability.LOAD, Capability.FAULTS} & load_target(file).capabilities()
    assert len(target.chaos.faults) == 3
    assert target.chaos.at_most("worker") == 1


def test_the_first_piece_alone_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_JWT_SECRET", "0123456789abcdef0123456789abcdef")
    file = tmp_path / "staging.toml"
    file.write_text(PIECES[0], encoding="utf-8")
    offered = load_target(file, allow_faults=True).capabilities()
    assert not {Capability.LOAD, Capability.FAULTS} & offered
