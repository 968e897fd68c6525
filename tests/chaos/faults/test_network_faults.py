"""Links of a real system are slowed, cut and taken down, by proxies that it goes through."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from chaos.faults.add_toxic import add_toxic
from chaos.faults.crash_database import crash_database
from chaos.faults.end_sessions import Which, end_sessions_of
from chaos.faults.fault import Fault, injected
from chaos.faults.half_open import half_open
from chaos.faults.harmed_database import HarmedDatabase
from chaos.faults.link import Link, client_link, database_link
from chaos.faults.lose_answers import lose_answers
from chaos.faults.proof import FaultNotShown, TargetCannot
from chaos.faults.take_down import take_down
from harness.client import Organizations, Samples
from harness.history import HistoryWriter, read_history
from harness.machine.journal import Journal
from harness.network.connection import Stream
from harness.network.proxy import open_proxy
from harness.network.toxics import (
    Bandwidth,
    Latency,
    LimitData,
    ResetPeer,
    Slicer,
    SlowClose,
    Timeout,
    Toxic,
)
from harness.recovery.healing import end_run
from harness.system import System, launch, launch_sibling
from harness.target import load_target
from harness.target.load import DEFAULT_TARGET

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

DATABASE_TOXICS: list[tuple[Toxic, Stream]] = [
    (Latency(latency=200), "upstream"),
    (Latency(latency=200, jitter=20), "downstream"),
    (Bandwidth(rate=50), "upstream"),
    (Bandwidth(rate=50), "downstream"),
    (SlowClose(delay=80), "downstream"),
    (Timeout(), "downstream"),
    (Timeout(timeout=100), "upstream"),
    (Slicer(average_size=1, delay=40_000), "upstream"),
    (LimitData(bytes=5000), "downstream"),
    (ResetPeer(), "upstream"),
]
CLIENT_TOXICS: list[tuple[Toxic, Stream]] = [
    (Latency(latency=400), "downstream"),
    (Timeout(), "upstream"),
    (ResetPeer(timeout=10), "downstream"),
    (LimitData(bytes=20), "upstream"),
]


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """A system with proxies, and one without beside it, whose sibling it is."""
    journal = Journal.begin()
    try:
        system = await launch(
            load_target(DEFAULT_TARGET), journal=journal, api_instances=0, workers=0
        )
        yield system
        await system.close()
    finally:
        await asyncio.to_thread(end_run, journal)


@pytest.fixture(scope="module")
async def system(shared: System) -> AsyncIterator[System]:
    own = await launch_sibling(shared, api_instances=1, workers=1, proxied=True)
    assert own.network is not None
    await own.network.address_of(own.api[0])
    yield own
    await own.close()


@pytest.fixture
def history(tmp_path: Path) -> HistoryWriter:
    return HistoryWriter(tmp_path / "history.jsonl")


async def run(fault: Fault, system: System, history: HistoryWriter) -> dict[str | None, str]:
    """Inject and heal a fault; give what was seen at each step."""
    async with injected(fault, journal=system.journal, history=history):
        pass
    entries = [each for each in read_history(history.path) if each.f == fault.label]
    return {each.step: each.seen or "" for each in entries}


@pytest.mark.parametrize(("toxic", "stream"), DATABASE_TOXICS, ids=str)
async def test_toxics_between_a_worker_and_the_database(
    system: System, history: HistoryWriter, toxic: Toxic, stream: Stream
) -> None:
    link = database_link(system, system.workers[0])
    seen = await run(add_toxic(link, toxic, stream), system, history)
    assert seen.keys() == {None, "requested", "victim", "effect"}
    assert not link.proxy.toxics(stream)


@pytest.mark.parametrize(("toxic", "stream"), CLIENT_TOXICS, ids=str)
async def test_toxics_between_clients_and_an_api(
    system: System, history: HistoryWriter, toxic: Toxic, stream: Stream
) -> None:
    link = client_link(system, system.api[0])
    await link.trip()
    seen = await run(add_toxic(link, toxic, stream), system, history)
    assert seen.keys() == {None, "requested", "victim", "effect"}


@pytest.mark.parametrize("link_of", [database_link, client_link])
async def test_a_link_is_down_and_comes_back(
    system: System, history: HistoryWriter, link_of: Callable[..., Link]
) -> None:
    link = link_of(system, system.api[0])
    await link.trip()
    seen = await run(take_down(link), system, history)
    assert seen["effect"] == "refused"


@pytest.mark.parametrize("link_of", [database_link, client_link])
async def test_packets_are_lost_without_a_word(
    system: System, history: HistoryWriter, link_of: Callable[..., Link]
) -> None:
    link = link_of(system, system.api[0])
    await link.trip()
    seen = await run(half_open(system, link), system, history)
    assert seen["effect"].startswith("no answer, and no refusal, for 0.3")
    assert "the server still has" in seen["effect"] or link.label == "clients"
    assert await export_once(system)


async def test_packets_that_get_through_are_told(system: System, history: HistoryWriter) -> None:
    async def nothing() -> None:
        pass

    link = database_link(system, system.workers[0])
    fault = replace(half_open(system, link), inject=nothing)
    with pytest.raises(FaultNotShown, match="passes packets on"):
        await run(fault, system, history)
    fault = replace(fault, victim_shows=None)
    with pytest.raises(FaultNotShown, match=r"answered after .*, not silent"):
        await run(fault, system, history)


async def test_two_toxics_hold_together(system: System, history: HistoryWriter) -> None:
    link = database_link(system, system.workers[0])
    slow = add_toxic(link, Latency(latency=150), "upstream")
    async with injected(slow, journal=system.journal, history=history):
        await run(add_toxic(link, Latency(latency=500), "downstream"), system, history)
        assert (await link.trip()).seconds >= 0.15
    assert (await link.trip()).end == "answered"


async def test_a_proxy_that_is_bypassed_is_told(system: System, history: HistoryWriter) -> None:
    link = database_link(system, system.workers[0])
    async with open_proxy(link.proxy.server) as unused:
        bypassed = replace(link, proxy=unused)
        for fault in (
            add_toxic(bypassed, Latency(latency=50), "upstream"),
            take_down(bypassed),
        ):
            with pytest.raises(FaultNotShown, match="worker-1 to the database: it was bypassed"):
                await run(fault, system, history)


async def test_a_toxic_that_is_taken_away_is_told(system: System, history: HistoryWriter) -> None:
    link = database_link(system, system.workers[0])
    fault = add_toxic(link, Latency(latency=80), "upstream")

    async def nothing() -> None:
        pass

    with pytest.raises(FaultNotShown, match="does not have Latency"):
        await run(replace(fault, inject=nothing), system, history)
    weak = add_toxic(link, Latency(latency=0), "upstream")
    with pytest.raises(FaultNotShown, match="cannot be recognized"):
        await run(weak, system, history)


async def test_a_system_without_proxies_refuses(shared: System) -> None:
    own = await launch_sibling(shared, api_instances=0, workers=1)
    with pytest.raises(TargetCannot, match=r"worker-1 does not reach its database .*proxied=True"):
        database_link(own, own.workers[0])
    await own.close()


@pytest.mark.parametrize("which", ["listening", "all"])
async def test_sessions_of_a_worker_end_and_it_goes_on(
    system: System, history: HistoryWriter, which: Which
) -> None:
    [worker] = system.workers
    fault = end_sessions_of(system, HarmedDatabase.of(system), worker, which)
    seen = await run(fault, system, history)
    closed = seen["effect"]
    assert "connections of worker-1 were closed" in closed
    assert closed.startswith("1 ") or which == "all"
    assert await export_once(system)


async def test_sessions_of_a_worker_that_go_on_are_told(
    system: System, history: HistoryWriter
) -> None:
    async def nothing() -> None:
        pass

    fault = end_sessions_of(system, HarmedDatabase.of(system), system.workers[0])
    with pytest.raises(FaultNotShown, match="sessions still run"):
        await run(replace(fault, inject=nothing), system, history)


async def test_a_server_of_its_own_crashes_and_systems_beside_it_notice_nothing(
    shared: System, system: System, history: HistoryWriter
) -> None:
    own = await launch_sibling(shared, api_instances=1, workers=1, own_server=True)
    crash = crash_database(HarmedDatabase.of(own), "kill")
    async with (
        await psycopg.AsyncConnection.connect(str(system.database_url)) as beside,
        injected(crash, journal=own.journal, history=history),
    ):
        await beside.execute("SELECT 1")
        assert await export_once(system)
    assert await export_once(own)
    server = own.own_server
    assert server is not None
    await own.close()
    assert not server.is_alive()
    assert not server.data_dir.exists()
    with pytest.raises(TargetCannot, match="not the drill's own"):
        crash_database(HarmedDatabase.of(system))


async def export_once(system: System) -> str:
    """Give the id of an export that has become ready."""
    address = system.api[0].base_url
    async with Organizations.of(
        system.target, [address], control_url=system.control_url
    ) as organizations:
        org = await organizations.new()
        job = await org.new_job()
        await org.client.new_evidence(job["id"], Samples(random.Random(7)).new())
        export = await org.client.new_export(job["id"])
        await org.client.wait_for_export(export["id"], deadline_s=30)
    return str(export["id"])


@pytest.mark.parametrize(
    ("what", "called"), [("claim", "claim_export_job("), ("complete", "complete_exports(")]
)
async def test_an_export_whose_answer_is_lost_is_ready_in_the_end(
    system: System, history: HistoryWriter, what: str, called: str
) -> None:
    [worker] = system.workers
    fault = lose_answers(system, worker, lambda text: called in text, what=what)
    exporting = asyncio.ensure_future(export_once(system))
    async with injected(fault, journal=system.journal, history=history):
        pass
    assert await exporting
    [effect] = [each.seen for each in read_history(history.path) if each.step == "effect"]
    assert effect == "the server has none of the 1 sessions any more"


async def test_an_answer_that_nobody_waits_for_is_not_lost(
    system: System, history: HistoryWriter
) -> None:
    fault = lose_answers(
        system, system.workers[0], lambda text: "no such" in text, what="none", within_s=0.1
    )
    with pytest.raises(FaultNotShown, match="worker-1 to commit 1 × none: 0 answers were lost"):
        await run(fault, system, history)
    assert system.network is not None
    assert not system.network.cuts["worker-1"]
