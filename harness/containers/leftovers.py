"""What runs have left in the engine: found by its labels, removed by `heal` and `recover`."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from harness.containers.engine import CONFLICT, NOT_FOUND, Engine, explained
from harness.containers.labels import REAPER, RUN, Labels
from harness.errors import Misconfigured

_AT_ONCE = 8
_LOOKS = 5


@dataclass(frozen=True, kw_only=True)
class _Leftover:
    """Something of a run in the engine."""

    what: str
    labels: Mapping[str, Any] | None
    remove: Callable[[], object]


@dataclass(kw_only=True)
class Removal:
    """What was there of a run, and what could not be removed."""

    removed: list[str] = field(default_factory=list)
    """Such as `container shakedown-1-2-main-api-1`."""
    problems: list[str] = field(default_factory=list)

    def remove(self, leftover: _Leftover) -> None:
        """Remove something, or note why not."""
        try:
            # A conflict: another program, Ryuk perhaps, is removing it already.
            with explained(f"removing the {leftover.what}", {NOT_FOUND, CONFLICT}):
                leftover.remove()
        except Misconfigured as error:
            self.problems.append(error.what)
        else:
            if leftover.what not in self.removed:
                self.removed.append(leftover.what)


def remove_run(engine: Engine, run_id: str) -> Removal:
    """Remove all containers of a run, then its volumes and networks. Blocks; never raises.

    It looks until there is nothing more: the engine may still be making what a harness that was
    killed meanwhile has asked it for.
    """
    removal = Removal()
    for _ in range(_LOOKS):
        before = len(removal.removed)
        removal.problems = []
        try:
            # Side by side: removing a container takes some 0.2 s.
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(removal.remove, _containers(engine, run_id)))
            for leftover in _volumes_and_networks(engine, run_id):
                removal.remove(leftover)
        except Misconfigured as error:
            removal.problems = [error.what]
            break
        if len(removal.removed) == before:
            break
    return removal


def runs_in(engine: Engine, uid: int) -> dict[str, bool]:
    """Give the runs of a user that have something in the engine: by id, whether they are over."""
    found = (*_containers(engine), *_volumes_and_networks(engine))
    marks = filter(None, (Labels.read(leftover.labels) for leftover in found))
    return {mark.run_id: not mark.owner.is_alive() for mark in marks if mark.uid == uid}


def _containers(engine: Engine, run_id: str | None = None) -> list[_Leftover]:
    """Find the containers that are marked as a run's, or as this run's; its Ryuk too."""
    api = engine.client.api
    with explained(f"looking for what is left of {run_id or 'killed runs'}"):
        found = [
            container
            for mark in (RUN, REAPER)
            for container in api.containers(all=True, filters=_marked(mark, run_id))
        ]
    return [
        _Leftover(
            what=f"container {(each['Names'] or [each['Id']])[0].lstrip('/')}",
            labels=each.get("Labels"),
            remove=partial(api.remove_container, each["Id"], force=True, v=True),
        )
        for each in found
    ]


def _volumes_and_networks(engine: Engine, run_id: str | None = None) -> Iterator[_Leftover]:
    api, filters = engine.client.api, _marked(RUN, run_id)
    with explained(f"looking for what is left of {run_id or 'killed runs'}"):
        volumes, networks = api.volumes(filters=filters)["Volumes"], api.networks(filters=filters)
    for each in volumes or []:
        remove = partial(api.remove_volume, each["Name"], force=True)
        yield _Leftover(what=f"volume {each['Name']}", labels=each.get("Labels"), remove=remove)
    for each in networks:
        remove = partial(api.remove_network, each["Id"])
        yield _Leftover(what=f"network {each['Name']}", labels=each.get("Labels"), remove=remove)


def _marked(mark: str, run_id: str | None) -> dict[str, str]:
    return {"label": mark + (f"={run_id}" if run_id else "")}
