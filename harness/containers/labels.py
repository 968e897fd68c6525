"""Labels: what everything of ours in the engine carries, so that it is found without a journal."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from harness.machine.journal import Owner
from harness.machine.processes import Process

RUN = "dev.shakedown.run"
"""The run's id, on every container, network and volume."""
REAPER = "dev.shakedown.reaper"
"""The run's id, on its Ryuk, which must outlive whatever `RUN` marks."""
IMAGE = "dev.shakedown.image"
"""On every image that was built for a target; such images stay, as a cache."""
_OWNER = "dev.shakedown.owner."


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What marks everything of one run, and says who would miss it."""

    run_id: str
    owner: Owner
    uid: int

    @classmethod
    def of_run(cls, run_id: str, owner: Owner) -> Self:
        """Mark a run of the calling user's."""
        return cls(run_id=run_id, owner=owner, uid=os.geteuid())

    def as_mapping(self, mark: str = RUN) -> dict[str, str]:
        """Give them as the engine takes them."""
        owner = {name: str(value) for name, value in self.owner.as_facts().items()}
        facts = {**owner, "uid": str(self.uid)}
        return {mark: self.run_id} | {_OWNER + name: value for name, value in facts.items()}

    @classmethod
    def read(cls, found: Mapping[str, Any] | None) -> Self | None:
        """Read what `as_mapping` gave; None where something is not of a run of ours."""
        labels = found or {}
        try:
            process = Process(int(labels[_OWNER + "pid"]), str(labels[_OWNER + "started"]))
            owner = Owner(
                process=process,
                boot=str(labels[_OWNER + "boot"]),
                namespace=str(labels[_OWNER + "namespace"]),
            )
            run_id = str(labels[RUN] if RUN in labels else labels[REAPER])
            return cls(run_id=run_id, owner=owner, uid=int(labels[_OWNER + "uid"]))
        except (KeyError, ValueError):
            return None
