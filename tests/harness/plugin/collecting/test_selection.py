"""Which checks a run includes, and which wishes are refused."""

from typing import Any

import pytest

from harness.check import CheckSpec
from harness.errors import Misconfigured
from harness.plugin.collecting.collection import COLLECTED_CHECKS
from harness.plugin.collecting.selection import (
    CollectedChecks,
    is_selected,
    refuse_bad_selection,
    with_parameter,
)
from harness.target.capability import Capability


def _spec(check_id: str, **fields: object) -> CheckSpec:
    defaults: dict[str, Any] = {
        "title": "T", "checklist": "L", "observes": 1, "needs": frozenset({Capability.HTTP}),
        "profile": "quick", "deadline_s": 60,
    }  # fmt: skip
    return CheckSpec(id=check_id, **defaults | fields)


def _refused(specs: list[CheckSpec], **wishes: object) -> str:
    known = {f"check_x.py::check_{number}": spec for number, spec in enumerate(specs)}
    options: dict[str, Any] = {"only": (), "allow": (), "profile": "quick"} | wishes
    selected = {
        node: spec
        for node, spec in known.items()
        if is_selected(spec, only=options["only"], profile=options["profile"])
    }
    collected = CollectedChecks(known=known, selected=selected)
    with pytest.raises(Misconfigured) as refused:
        refuse_bad_selection(collected, **options)
    return str(refused.value)


@pytest.mark.parametrize(
    ("check_id", "pattern", "fits"),
    [
        ("golden.upload", "golden.*", True),
        ("golden.upload", "golden.upload", True),
        ("golden.upload-replay", "golden.upload", False),
        ("upload.type[png]", "upload.type", True),
        ("upload.type[png]", "upload.type[png]", True),
        ("upload.type[png]", "upload.type[gif]", False),
    ],
)
def test_patterns_are_globs_over_ids(check_id: str, pattern: str, fits: bool) -> None:
    assert is_selected(_spec(check_id), only=[pattern], profile="quick") is fits


def test_a_pattern_that_matches_nothing_is_refused_with_what_may_have_been_meant() -> None:
    told = _refused([_spec("golden.upload")], only=("golden.uplaod",))
    assert "golden.uplaod" in told
    assert "did you mean golden.upload?" in told


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("golden", "golden.*"),
        ("goldn", "golden.*"),
        ("goldn.*", "golden.*"),
        ("clam.*once", "claim.*once"),
        ("claim.exactly_once", "claim.exactly-once"),
        ("exactly-once", "claim.exactly-once"),
        ("upload", "golden.upload"),
        ("zzz", None),
    ],
)
def test_what_was_probably_meant(asked: str, meant: str | None) -> None:
    specs = [_spec("golden.upload"), _spec("golden.manifest"), _spec("claim.exactly-once")]
    told = _refused(specs, only=(asked,))
    assert ("did you mean" in told) is (meant is not None)
    assert f"did you mean {meant}?" in told or meant is None
    assert "`shakedown checks` lists them all" in told


def test_many_mistakes_are_not_a_screenful() -> None:
    told = _refused([_spec("golden.upload")], only=tuple(f"none.number-{n}" for n in range(200)))
    assert len(told.splitlines()) == 11
    assert told.endswith("and 190 more like these")


def test_a_check_of_a_longer_profile_is_named_together_with_its_profile() -> None:
    specs = [_spec("load.soak", profile="soak")]
    assert "--profile soak" in _refused(specs, only=("load.soak",))


def test_an_unknown_id_to_allow_is_refused() -> None:
    assert "no such check" in _refused([_spec("golden.upload")], allow=("golden.nothing",))


def test_a_run_of_no_checks_is_refused() -> None:
    assert "no check is left to run" in _refused([_spec("load.soak", profile="soak")])


def test_two_checks_with_one_id_are_refused() -> None:
    told = _refused([_spec("golden.upload"), _spec("golden.upload")])
    assert "check_0" in told
    assert "check_1" in told


def test_a_catalogue_survives_the_way_from_a_worker_to_the_controller() -> None:
    spec = with_parameter(_spec("upload.type"), "png")
    collected = CollectedChecks(known={"a": spec}, selected={"a": spec}, problems=("broken",))
    assert COLLECTED_CHECKS.validate_json(COLLECTED_CHECKS.dump_json(collected)) == collected
    assert spec.id == "upload.type[png]"
