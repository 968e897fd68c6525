"""After a whole run it is told which declared words of the backend no answer had."""

import json
from dataclasses import replace
from pathlib import Path

from harness.asks import Asked, Asks, meet, noting_asks
from harness.client.dialect.name_map import NameMap
from harness.events import CheckResult
from harness.plugin.judging.unmet_words import unmet_words
from harness.plugin.settings import RunSettings
from harness.target.contract.dialect import Contract
from harness.verdict import Verdict

CONTRACT = Contract.model_validate(
    {
        "values": {
            "export": {"state": {"preparing": ("collecting", "packing"), "ready": "done"}},
            "evidence": {"state": {"sealed": "filed"}},
        }
    }
)
WHOLE = RunSettings(seed=1, report_path=Path())


def result(*met: str) -> CheckResult:
    return CheckResult(
        id="a.b",
        title="",
        checklist="",
        verdict=Verdict.PASS,
        observations=1,
        needed_observations=1,
        seconds=0,
        asked=Asks(met=met),
    )


def test_words_in_answers_are_met_and_others_are_told() -> None:
    asked, names = Asked(), NameMap(CONTRACT)
    with noting_asks(asked):
        assert names.contract_value("export", "state", "packing") == "preparing"
        assert names.contract_value("export", "state", "unheard") == "unheard"
        assert names.contract_value("export", "error_code", "filed") == "filed"
        assert names.contract_value("export", "state", "queued") == "queued"
    assert asked.frozen().met == ("export.state packing", "unknown state unheard")
    checks = [result(*asked.frozen().met), result("export.state done")]
    unknown, *unmet = unmet_words(CONTRACT, checks, WHOLE)
    assert unknown.startswith('[contract.values.export.state]: answers had "unheard"')
    assert tuple(unmet) == (
        '[contract.values.export.state] preparing: no answer had "collecting"',
        '[contract.values.evidence.state] sealed: no answer had "filed"',
    )


def test_nothing_is_told_of_a_run_that_was_not_whole() -> None:
    chosen = replace(WHOLE, only=("a.*",))
    own = replace(WHOLE, built_in=False)
    assert unmet_words(CONTRACT, [result()], chosen) == ()
    assert unmet_words(CONTRACT, [result()], own) == ()
    assert len(unmet_words(CONTRACT, [result("unknown state unheard")], chosen)) == 1
    assert unmet_words(CONTRACT, [result(), replace(result(), ran=False)], WHOLE) == ()
    assert unmet_words(CONTRACT, [], WHOLE) == ()


def test_outside_of_a_check_nothing_is_noted() -> None:
    meet("export.state", "done")
    asked = Asked()
    with noting_asks(asked):
        meet("export.state", "done")
    assert json.dumps(asked.frozen().met) == '["export.state done"]'
