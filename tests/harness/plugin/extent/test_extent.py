"""How far a check can look at a target is known before anything runs."""

from pathlib import Path

import pytest

from harness.check import CheckSpec
from harness.plugin.extent import extent
from harness.plugin.extent.declared_asks import DeclaredAsks, asked_in, declared_asks, undeclared
from harness.plugin.extent.extent import expected_minutes, extent_of
from harness.plugin.session.listing import find_checks
from harness.target import Target, load_target
from harness.target.capability import Capability
from tests.target_files import write

ASKS = {
    "own.pages": DeclaredAsks(
        whole=frozenset({"createJob"}),
        part=frozenset({"header Location", "listLedgerEvents.target_id", "pages of listJobs"}),
        seconds=90,
    )
}

WITH_ROWS = """\
[ledger]
table = "history"
salts = { k = "s" }
[database]
source = "external"
url = "postgresql://reader:x@127.0.0.1/db"
"""


def _spec(*needs: Capability) -> CheckSpec:
    return CheckSpec(
        id="own.pages",
        title="Pages",
        checklist="Verify pages",
        observes=1,
        needs=frozenset(needs),
        profile="quick",
        deadline_s=60,
    )


def _target(folder: Path, contract: str) -> Target:
    text = (
        'name = "mine"\ndriver = "external"\napi = { base_urls = ["http://127.0.0.1:8000"] }\n'
        f'tokens.given = {{ token = "t" }}\n{contract}'
    )
    return load_target(write(folder, text))


@pytest.fixture(autouse=True)
def asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extent, "declared_asks", lambda: ASKS)


@pytest.mark.parametrize(
    ("contract", "said"),
    [
        ("", "all"),
        ('[contract]\nabsent = ["createJob"]', "not at all: without createJob"),
        ('[contract.without]\nheaders = ["location"]', "part: without header Location"),
        ('[contract.without]\nheaders = ["createJob.Location"]', "part: without header Location"),
        ("[contract.without]\npages = true", "part: without pages of listJobs"),
        ('[contract.without]\npages = ["listExports"]', "all"),
        (
            '[contract.without]\nparameters = ["listLedgerEvents.target_id"]',
            "part: without listLedgerEvents.target_id",
        ),
    ],
)
def test_what_is_absent_leaves_a_part_or_nothing(tmp_path: Path, contract: str, said: str) -> None:
    assert extent_of(_spec(), _target(tmp_path, contract)).describe() == said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", "not at all: without listLedgerEvents"),
        (
            WITH_ROWS,
            "part: without listLedgerEvents",
        ),
    ],
    ids=["only over HTTP", "its table is described"],
)
def test_a_ledger_that_no_operation_lists_is_read_from_its_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, said: str
) -> None:
    asks = DeclaredAsks(whole=frozenset({"createJob", "listLedgerEvents"}))
    monkeypatch.setattr(extent, "declared_asks", lambda: {"own.pages": asks})
    target = _target(tmp_path, f'{more}[contract]\nabsent = ["listLedgerEvents"]')
    assert extent_of(_spec(), target).describe() == said


def test_what_the_target_does_not_offer_leaves_nothing(tmp_path: Path) -> None:
    found = extent_of(_spec(Capability.DATABASE, Capability.KILL), _target(tmp_path, ""))
    assert found.describe() == "not at all: without database, kill"


def test_minutes_are_those_of_the_checks_that_can_look(tmp_path: Path) -> None:
    spec = _spec()
    able = {spec.id: extent_of(spec, _target(tmp_path, ""))}
    assert "1 all, 0 part, 0 not at all; about 2 min" in expected_minutes([spec], able)
    unable = {spec.id: extent_of(_spec(Capability.KILL), _target(tmp_path, ""))}
    assert "1 not at all; about 1 min" in expected_minutes([spec], unable)


def test_a_slow_pace_takes_minutes_more(tmp_path: Path) -> None:
    spec, quick = _spec(), extent_of(_spec(), _target(tmp_path, ""))
    slow = extent_of(spec, _target(tmp_path, "[pace]\nexport_s = 60\n"))
    assert slow.seconds > quick.seconds
    assert slow.seconds % 60 == quick.seconds % 60


def test_a_run_that_asks_for_more_than_is_declared_is_told() -> None:
    check_id = "golden.upload"
    run = {
        "checks": [
            {
                "id": check_id,
                "seconds": 0.2,
                "asks": {"whole": ["createJob"], "part": ["getEverything", "evidence.state"]},
            }
        ]
    }
    (line,) = undeclared(asked_in([run]))
    assert line.startswith("golden.upload: asks for getEverything, which")


def test_every_shipped_check_says_what_it_asks_for() -> None:
    shipped = {spec.id for spec in find_checks((), built_in=True).known.values()}
    assert shipped - {"chaos.staging-fault", "contract.declared-absent"} == set(declared_asks())
