"""What runs have left in the engine: found by its labels and removed, by `heal` and `recover`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from docker.errors import APIError, NotFound

from harness.containers.engine import Engine, explained
from harness.containers.labels import REAPER, RUN, Labels
from harness.errors import Misconfigured

_AT_ONCE = 8
_LOOKS = 5


@dataclass(kw_only=True)
class Removal:
    """What was there of a run, and what would not go."""

    removed: list[str] = field(default_factory=list)
    """Such as `container shakedown-1-2-main-api-1`."""
    problems: list[str] = field(default_factory=list)


def remove_run(engine: Engine, run_id: str) -> Removal:
    """Remove all containers of a run, then its volumes and networks. Blocks; never raises.

    It looks until there is nothing more: the engine may still be making what a harness that was
    killed meanwhile has asked it for.
    """
    removal = Removal()
    for _ in range(_LOOKS):
        try:
            found = _everything(engine, run_id)
        except Misconfigured as error:
            removal.problems = [error.what]
            break
        before = len(removal.removed)
        removal.problems = []
        _remove_all(engine, found, removal)
        if len(removal.removed) == before:
            break
    return removal


def runs_in(engine: Engine, uid: int) -> dict[str, bool]:
    """Give the runs of a user that have something in the engine: by id, whether they are over."""
    return {
        found.run_id: not found.owner.is_alive() for found in _marks(engine) if found.uid == uid
    }


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What the engine has, as it describes it."""

    containers: Sequence[Mapping[str, Any]]
    volumes: Sequence[Mapping[str, Any]]
    networks: Sequence[Mapping[str, Any]]


def _everything(engine: Engine, run_id: str | None = None) -> _Found:
    """Find what is marked as a run's, or as this run's."""
    run, reaper = ({"label": mark + (f"={run_id}" if run_id else "")} for mark in (RUN, REAPER))
    api = engine.client.api
    with explained(f"looking for what is left of {run_id or 'killed runs'}"):
        return _Found(
            containers=[
                *api.containers(all=True, filters=run),
                *api.containers(all=True, filters=reaper),
            ],
            volumes=api.volumes(filters=run)["Volumes"] or [],
            networks=api.networks(filters=run),
        )


def _marks(engine: Engine) -> Iterator[Labels]:
    found = _everything(engine)
    every = (*found.containers, *found.volumes, *found.networks)
    yield from filter(None, (Labels.read(each.get("Labels")) for each in every))


def _remove_all(engine: Engine, found: _Found, removal: Removal) -> None:
    api = engine.client.api
    # Side by side: each takes some 0.2 s.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in [
            pool.submit(
                _remove,
                removal,
                f"container {each['Names'][0].lstrip('/') if each['Names'] else each['Id']}",
                partial(api.remove_container, each["Id"], force=True, v=True),
            )
            for each in found.containers
        ]:
            done.result()
    for each in found.volumes:
        name = each["Name"]
        _remove(removal, f"volume {name}", partial(api.remove_volume, name, force=True))
    for each in found.networks:
        _remove(removal, f"network {each['Name']}", partial(api.remove_network, each["Id"]))


def _remove(removal: Removal, what: str, remove: Callable[[], object]) -> None:
    try:
        with explained(f"removing the {what}"), suppress(NotFound):
            try:
                remove()
            except APIError as error:
                # 409: somebody else, Ryuk perhaps, is removing it already.
                if error.status_code != 409:
                    raise
    except Misconfigured as error:
        removal.problems.append(error.what)
    else:
        if what not in removal.removed:
            removal.removed.append(what)
