from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from contracts.claim.export_batches import jobs_each, wait_in_a_cell
from harness.client import Organization, Organizations
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.target import load_target
from harness.target.tables.pace import Pace
from tests.web_server import serving


def test_as_many_jobs_as_the_exports_take() -> None:
    observe = Observations()
    assert jobs_each(Pace(), 200, 5, observe) == 20
    assert observe.excused == {}


def test_fewer_at_a_slow_pace_and_a_pass_needs_fewer() -> None:
    observe = Observations()
    assert jobs_each(Pace(export_s=2), 200, 5, observe) == 2
    assert observe.still_needed(200) == 20
    assert [*observe.excused.values()] == [180]


def test_never_less_than_one_job_each() -> None:
    observe = Observations()
    assert jobs_each(Pace(export_s=900), 24, 2, observe) == 1
    assert observe.still_needed(24) == 4
    assert jobs_each(Pace(export_s=900), 32, 2, observe, types=1) == 1


STATES = {"1": "ready", "2": "preparing", "3": "ready", "4": "failed"}
"""Of each export."""


@pytest.fixture
async def organization() -> AsyncIterator[Organization]:
    async def handle(request: web.Request) -> web.Response:
        export_id = request.path.rpartition("/")[2]
        if export_id not in STATES:
            return web.json_response({}, status=500)
        return web.json_response({"data": {"id": export_id, "state": STATES[export_id]}})

    async with serving(handle) as url, Organizations.of(load_target(), [url]) as organizations:
        yield await organizations.new()


async def test_exports_that_hang_end_in_a_cell_and_the_others_are_looked_at(
    organization: Organization,
) -> None:
    cells = Cells(check_id="claim.exactly-once", check_path=Path(__file__))
    accepted = dict.fromkeys([*STATES, "5"], organization)
    ready = await wait_in_a_cell(cells, accepted, deadline_s=0.1, case="claims by workers")
    assert [each["id"] for each in ready] == ["1", "3"]
    (blocked,) = cells.blocked
    assert blocked.rule == "export.becomes-ready"
    assert dict(blocked.cell) == {"what": "exports become ready", "case": "claims by workers"}
    assert cells.counts().blocked == 1


async def test_a_wait_that_is_not_in_vain_is_a_clean_cell(organization: Organization) -> None:
    cells = Cells(check_id="claim.exactly-once", check_path=Path(__file__))
    ready = await wait_in_a_cell(cells, dict.fromkeys("13", organization), deadline_s=1)
    assert [each["id"] for each in ready] == ["1", "3"]
    assert (cells.blocked, cells.counts().looked_at) == ([], 1)
