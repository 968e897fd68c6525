"""Why a target does not offer a check, and what to write: known before anything runs."""

from pathlib import Path

import pytest

from harness.check import CheckSpec
from harness.plugin.extent.offers import offer_of
from harness.target import Target, load_target
from harness.target.capability import Capability
from tests.target_files import write

OURS = 'driver = "process"\napi = { command = ["serve"] }\n'
THEIRS = 'driver = "external"\napi = { base_urls = ["http://127.0.0.1:8000"] }\n'
PERMITTED = 'chaos = { allowed_hosts = ["127.0.0.1"] }\n'
OWN_FOLDER = OURS.replace("{ command", '{ environment.FILES = "{storage_dir}", command')


def spec(*needs: Capability) -> CheckSpec:
    return CheckSpec(
        id="chaos.own",
        title="Own",
        checklist="Own works",
        observes=1,
        needs=frozenset(needs),
        profile="quick",
        deadline_s=60,
    )


def target(folder: Path, text: str, *, allow_faults: bool = False) -> Target:
    file = write(folder, f'name = "mine"\n{text}tokens.given = {{ token = "t" }}\n')
    return load_target(file, allow_faults=allow_faults)


@pytest.mark.parametrize(
    ("text", "needs", "lacks"),
    [
        (OURS, [], {}),
        (OURS, [Capability.KILL], {}),
        (OURS, [Capability.SPAWN], {"a system of its own, with data of its own": "{storage_dir}"}),
        (OWN_FOLDER, [Capability.SPAWN], {}),
        (OURS, [Capability.DATABASE_CONTROL], {"database-control": 'source = "embedded"'}),
        (
            THEIRS,
            [Capability.SPAWN, Capability.PAUSE],
            {"spawn": 'driver = "process"', "pause": 'driver = "process"'},
        ),
        (THEIRS + PERMITTED, [Capability.LOAD], {"load": "--allow-faults"}),
        (THEIRS + PERMITTED, [Capability.FAULTS], {"faults": "[chaos.faults.NAME] inject"}),
    ],
)
def test_each_lack_has_its_line(
    tmp_path: Path, text: str, needs: list[Capability], lacks: dict[str, str]
) -> None:
    offer = offer_of(spec(*needs), target(tmp_path, text))
    assert {lack.what for lack in offer.lacks} == set(lacks)
    assert all(lacks[lack.what] in lack.line for lack in offer.lacks)
    assert offer.is_offered is not bool(lacks)


def test_a_permission_offers_what_it_is_for(tmp_path: Path) -> None:
    permitted = target(tmp_path, THEIRS + PERMITTED, allow_faults=True)
    assert offer_of(spec(Capability.LOAD), permitted).is_offered
    assert not offer_of(spec(Capability.FAULTS), permitted).is_offered


@pytest.mark.parametrize("capability", sorted(set(Capability) - {Capability.HTTP}))
def test_every_capability_that_a_target_can_lack_has_a_line(
    tmp_path: Path, capability: Capability
) -> None:
    lacks = offer_of(spec(capability), target(tmp_path, THEIRS)).lacks
    assert [lack.what for lack in lacks] == [capability]
    assert lacks[0].line


def test_an_operation_that_is_declared_absent_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.plugin.extent import extent
    from harness.plugin.extent.declared_asks import DeclaredAsks

    asks = {"chaos.own": DeclaredAsks(whole=frozenset({"retryExport"}))}
    monkeypatch.setattr(extent, "declared_asks", lambda: asks)
    (lack,) = offer_of(
        spec(), target(tmp_path, OURS + 'contract = { absent = ["retryExport"] }\n')
    ).lacks
    assert (lack.what, lack.line) == (
        "retryExport",
        "retryExport is declared absent in [contract]: remove that if it is wrong",
    )
