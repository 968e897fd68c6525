"""The declarations of what checks ask for, written from runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.plugin.extent import declared_asks


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Folders of checks that declare nothing yet."""
    made = [tmp_path / name for name in ("chaos", "contracts")]
    for each in made:
        each.mkdir()
    monkeypatch.setattr(declared_asks, "built_in_folders", lambda: made)
    declared_asks.declared_asks.cache_clear()
    yield made
    declared_asks.declared_asks.cache_clear()


def written(tmp_path: Path, check_id: str, *, seconds: float) -> None:
    results = tmp_path / "results.json"
    asks = {"whole": ["createJob"], "part": ["live"]}
    check = {"id": check_id, "asks": asks, "seconds": seconds}
    results.write_text(json.dumps({"checks": [check]}))
    assert declared_asks.main(["--write", str(results)]) == 0
    declared_asks.declared_asks.cache_clear()


@pytest.mark.usefixtures("folders")
def test_what_did_not_run_stays_declared(tmp_path: Path) -> None:
    written(tmp_path, "chaos.a", seconds=1.2)
    written(tmp_path, "hash.b", seconds=3)
    written(tmp_path, "chaos.c", seconds=0.1)
    written(tmp_path, "chaos.a", seconds=4.5)
    known = declared_asks.declared_asks()
    assert {check: asks.seconds for check, asks in known.items()} == {
        "chaos.a": 5, "hash.b": 3, "chaos.c": 1,
    }  # fmt: skip
    assert known["hash.b"].whole == {"createJob"}
