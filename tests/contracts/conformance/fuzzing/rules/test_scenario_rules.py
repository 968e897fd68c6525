"""What an export says of itself is held to what the request has asked for."""

import asyncio
import json
from types import SimpleNamespace
from typing import cast

import pytest

from contracts.conformance.fuzzing.document import ApiOperation
from contracts.conformance.fuzzing.export_states import ExportStates
from contracts.conformance.fuzzing.links import Step
from contracts.conformance.fuzzing.rules.scenario_rules import ScenarioState, success_violations
from harness.client import Client
from tests.answers import answer

EXPORT = {"id": "e", "job_id": "j", "export_type": "proof-pack", "state": "queued"}


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ({"job_id": "j", "export_type": "proof-pack"}, []),
        ({"job_id": "j", "export_type": "ledger"}, ["export_type"]),
        ({"job_id": "j"}, []),  # the type is in the body, as a document of the backend's own says
        ({"job_id": "another"}, ["job_id"]),
    ],
)
def test_an_export_is_of_the_job_and_type_in_the_path(
    path: dict[str, str], wrong: list[str]
) -> None:
    operation = SimpleNamespace(
        id="requestExport", secured=True, parse_target=lambda target: (path, {})
    )
    given = answer(
        202,
        json.dumps({"data": EXPORT}).encode(),
        content_type="application/json",
        retry_after="1",
        location="/api/exports/e",
    )
    step = cast("Step", SimpleNamespace(case=SimpleNamespace(target="/"), answer=given))
    scenario = ScenarioState(
        organization_id="o",
        exports=ExportStates(client=cast("Client", None)),
        delete_below=None,
    )
    breaches = asyncio.run(success_violations(scenario, step, cast("ApiOperation", operation)))
    assert [each.about for each in breaches] == wrong
