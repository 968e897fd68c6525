"""Which functions pytest takes for checks, and the selection among them."""

import os
import traceback
from collections.abc import Generator, Sequence, Set
from fnmatch import fnmatch
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from harness.check import CheckSpec, place_of, plain_id, spec_of
from harness.errors import Misconfigured
from harness.findings.rule import owning_checks
from harness.plugin.collecting.built_in import built_in_folders
from harness.plugin.collecting.hypothesis_settings import adapt_hypothesis
from harness.plugin.collecting.own_modules import make_importable, mistaken_modules
from harness.plugin.collecting.selection import CollectedChecks, is_selected, with_parameter
from harness.plugin.collecting.wanted_fixtures import missing_fixtures
from harness.plugin.context import TARGET, system_of
from harness.plugin.judging.findings import short_path
from harness.plugin.settings import settings_of
from harness.target.capability import Capability

SPEC = pytest.StashKey[CheckSpec]()
COLLECTED_CHECKS = TypeAdapter(CollectedChecks)
COLLECTED = pytest.StashKey[CollectedChecks]()
_KNOWN = pytest.StashKey[dict[str, CheckSpec]]()
_ONLY_WHERE_OFFERED = frozenset({Capability.FAULTS, Capability.ABSENCES})
_PROBLEMS = pytest.StashKey[list[str]]()


def collected_file(run_dir: Path, worker_id: str) -> Path:
    """The file in which a worker process reports to the controller what it collected."""
    return run_dir / f"collected-{worker_id}.json"


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing known."""
    config.stash[_KNOWN] = {}
    config.stash[_PROBLEMS] = []


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what `--only` and the profile ask for; pytest's own `-k` and `-m` come after."""
    settings = settings_of(config)
    target = config.stash.get(TARGET, None)  # checks are also listed, without a target
    checks = [item for item in items if _declared(item)]
    config.stash[_KNOWN] = {item.nodeid: item.stash[SPEC] for item in checks}
    chosen: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in checks:
        spec = item.stash[SPEC]
        fits = is_selected(spec, only=settings.only, profile=settings.profile)
        (chosen if fits else left_out).append(item)
    if target is not None:
        # No gap of a target without fault commands, or one that has all: nothing to look at.
        none = set(_ONLY_WHERE_OFFERED)
        none -= {Capability.FAULTS} if target.chaos.faults else set()
        none -= {Capability.ABSENCES} if target.contract.declares_absence else set()
        idle = [item for item in chosen if _is_idle(item, none, settings.only)]
        if len(idle) < len(chosen):
            left_out += idle
            chosen = [item for item in chosen if item not in idle]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    # What others need to exist is looked at first, so that no other check waits for it.
    items[:] = sorted(chosen, key=lambda item: item.stash[SPEC].id not in owning_checks())


def _is_idle(item: pytest.Item, none: Set[Capability], only: Sequence[str]) -> bool:
    """Say whether it is about what the target does not speak of, and not asked for by its id."""
    spec = item.stash[SPEC]
    asked_for = {spec.id, plain_id(spec.id)} & set(only)
    return bool(none & spec.needs) and not asked_for


def _declared(item: pytest.Item) -> bool:
    function = getattr(item, "obj", None)
    spec = spec_of(function)
    problem = ""
    if spec is None:
        problem = (
            "is named like a check but is not declared as one: "
            "put @check(…) above it, or give it another name"
        )
    elif (file := Path(place_of(function)[0])) != item.path:
        problem = (
            f"comes from {file}: a file of checks must not import the checks of another file, "
            "nor have the folder and file name of one that comes with Shakedown; rename it"
        )
    else:
        problem = missing_fixtures(item)
    if spec is None or problem:
        item.config.stash[_PROBLEMS].append(f"{short_path(item.path)}: {item.name} {problem}")
        return False
    callspec = getattr(item, "callspec", None)
    item.stash[SPEC] = with_parameter(spec, callspec.id if callspec else None)
    adapt_hypothesis(function, settings_of(item.config).seed)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep the collected checks; from a worker process, give them to the controller."""
    config = session.config
    known, problems = config.stash[_KNOWN], config.stash[_PROBLEMS]
    collected = CollectedChecks(
        known=known,
        # An interruption in the middle of the collection leaves items without a declaration.
        selected={item.nodeid: item.stash[SPEC] for item in session.items if SPEC in item.stash},
        problems=tuple(problems),
        pid=os.getpid(),
    )
    config.stash[COLLECTED] = collected
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        path = collected_file(system_of(config).run_dir, worker["workerid"])
        path.write_bytes(COLLECTED_CHECKS.dump_json(collected))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> None:
    """Let a team's check import the modules beside it."""
    if _is_own(file_path):
        make_importable(file_path.parent)
        parent.config.stash[_PROBLEMS] += [
            f"{short_path(file_path)}: {problem}" for problem in mistaken_modules(file_path)
        ]


def _is_own(file: Path) -> bool:
    return fnmatch(file.name, "check_*.py") and not any(
        file.is_relative_to(folder) for folder in built_in_folders()
    )


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Note in one line why a check file cannot be read."""
    report = yield
    call = getattr(report, "call", None)
    if report.failed and call is not None and call.excinfo is not None:
        problem = _unreadable(collector.path, call.excinfo.value)
        collector.config.stash[_PROBLEMS].append(problem)
    return report


def _unreadable(path: Path, error: BaseException) -> str:
    if isinstance(error, Misconfigured):
        return str(error)
    # pytest wraps errors of import and syntax in one of its own, with a page of advice.
    cause = error.__cause__ or error
    place = _place(path, cause)
    reason = traceback.format_exception_only(cause)[-1].strip()
    return f"{short_path(path)} cannot be imported: {reason}{place}"


def _place(path: Path, error: BaseException) -> str:
    """Say where in the team's own files an error is, else where it was raised."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f", at {short_path(Path(error.filename))}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(path.parent)]
    if not frames:
        return ""
    frame = (own or frames)[-1]
    return f", at {short_path(Path(frame.filename))}:{frame.lineno}"
