"""An object that is spoiled cannot be read, and is whole again afterwards."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chaos.faults.proof import FaultNotShown, TargetCannot
from chaos.faults.spoil_object import spoil_object


def system(storage: Path, layout: object = "directory") -> Any:  # noqa: ANN401 - a part of one
    return SimpleNamespace(storage_dir=storage, target=SimpleNamespace(storage=layout))


async def test_it_is_unreadable_in_between(tmp_path: Path) -> None:
    place = tmp_path / "evidence" / "one"
    place.parent.mkdir()
    place.write_bytes(b"content")
    fault = spoil_object(system(tmp_path), "evidence/one")
    assert fault.victim_shows is not None
    assert fault.others_see is not None
    assert fault.healed is not None
    await fault.check_possible()
    with pytest.raises(FaultNotShown):
        await fault.victim_shows()
    with pytest.raises(FaultNotShown):
        await fault.others_see()
    await fault.inject()
    await fault.victim_shows()
    assert "directory" in await fault.others_see()
    await fault.heal()
    await fault.healed()
    assert place.read_bytes() == b"content"


@pytest.mark.parametrize("path", ["evidence/two", "../outside", "."])
async def test_nothing_else_is_harmed(tmp_path: Path, path: str) -> None:
    root = tmp_path / "storage"
    root.mkdir()
    (tmp_path / "outside").write_bytes(b"not ours")
    with pytest.raises(TargetCannot, match="no object at"):
        await spoil_object(system(root), path).check_possible()


def test_a_target_without_storage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetCannot, match=r"\[storage\] layout"):
        spoil_object(system(tmp_path, layout=None), "one")
