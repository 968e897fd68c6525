"""What runs have left in the engine: found by its labels and removed, by `heal` and `recover`."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from docker.errors import APIError, NotFound

from harness.containers.engine import Engine, explained
from harness.containers.labels import RUN, Labels
from harness.errors import Misconfigured

_AT_ONCE = 8


@dataclass(kw_only=True)
class Removal:
    """What was there of a run, and what would not go."""

    removed: list[str] = field(default_factory=list)
    """Such as `container shakedown-1-2-main-api-1`."""
    problems: list[str] = field(default_factory=list)


def remove_run(engine: Engine, run_id: str) -> Removal:
    """Remove all containers of a run, then its volumes and networks. Blocks; never raises."""
    removal = Removal()
    mark = {"label": f"{RUN}={run_id}"}
    api = engine.client.api
    try:
        with explained(f"looking for what is left of run {run_id}"):
            containers = api.containers(all=True, filters=mark)
            volumes = api.volumes(filters=mark)["Volumes"] or []
            networks = api.networks(filters=mark)
    except Misconfigured as error:
        removal.problems.append(error.what)
        return removal
    # Side by side: each takes some 0.2 s.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in [
            pool.submit(
                _remove,
                removal,
                f"container {found['Names'][0].lstrip('/') if found['Names'] else found['Id']}",
                partial(api.remove_container, found["Id"], force=True, v=True),
            )
            for found in containers
        ]:
            done.result()
    for found in volumes:
        name = found["Name"]
        _remove(removal, f"volume {name}", partial(api.remove_volume, name, force=True))
    for found in networks:
        _remove(removal, f"network {found['Name']}", partial(api.remove_network, found["Id"]))
    return removal


def runs_in(engine: Engine, uid: int) -> dict[str, bool]:
    """Give the runs of a user that have something in the engine: by id, whether they are over."""
    return {
        found.run_id: not found.owner.is_alive() for found in _marks(engine) if found.uid == uid
    }


def _marks(engine: Engine) -> Iterator[Labels]:
    mark = {"label": RUN}
    with explained("looking for what killed runs have left"):
        found = [
            *engine.client.api.containers(all=True, filters=mark),
            *(engine.client.api.volumes(filters=mark)["Volumes"] or []),
            *engine.client.api.networks(filters=mark),
        ]
    yield from filter(None, (Labels.read(each.get("Labels")) for each in found))


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
        removal.removed.append(what)
