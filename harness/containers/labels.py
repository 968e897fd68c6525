"""Labels: what everything of ours in the engine carries, so that it is found without a journal."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from harness.machine.journal import Owner

RUN = "dev.shakedown.run"
"""The run's id, on every container, network and volume."""
REAPER = "dev.shakedown.reaper"
"""The run's id, on its Ryuk, which must outlive everything that `RUN` marks."""
IMAGE = "dev.shakedown.image"
"""On every image that was built for a target; such images stay, as a cache."""
_OWNER = "dev.shakedown.owner."


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What marks everything of one run, and says who began it."""

    run_id: str
    owner: Owner
    uid: int

    @classmethod
    def of_run(cls, run_id: str, owner: Owner) -> Self:
        """Mark a run of the calling user's."""
        return cls(run_id=run_id, owner=owner, uid=os.geteuid())

    def as_mapping(self, mark: str = RUN) -> dict[str, str]:
        """Give them as the engine takes them."""
        facts = {**asdict(self.owner), "uid": self.uid}
        return {mark: self.run_id} | {_OWNER + name: str(fact) for name, fact in facts.items()}

    @classmethod
    def read(cls, found: Mapping[str, Any] | None) -> Self | None:
        """Read what `as_mapping` gave; None where something is not of a run of ours."""
        labels = found or {}
        facts = {name.removeprefix(_OWNER): value for name, value in labels.items()}
        owner, run_id, uid = (
            Owner.read(facts),
            labels.get(RUN) or labels.get(REAPER),
            facts.get("uid"),
        )
        if owner is None or run_id is None or uid is None:
            return None
        return cls(run_id=str(run_id), owner=owner, uid=int(uid))
