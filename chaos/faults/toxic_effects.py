"""What another client meets on a link under each toxic, and how that is recognized."""

from functools import singledispatch

from chaos.faults.link import SILENT_S, End, Link, Trip, bulk_end
from chaos.faults.proof import FaultNotShown
from harness.network.connection import Stream
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

MEASURED_S = 0.2
"""How long so much data takes as is moved to measure a bandwidth."""


@singledispatch
async def effect(toxic: Toxic, link: Link, stream: Stream, before: Trip) -> str:  # noqa: ARG001
    """See the toxic's effect on a client of the link. Raises `FaultNotShown` if it is not there."""
    raise FaultNotShown(f"the effect of {toxic} on {link.what} cannot be measured")


@effect.register
async def _(toxic: Latency, link: Link, stream: Stream, before: Trip) -> str:  # noqa: ARG001
    least_s = (toxic.latency - toxic.jitter) / 1000
    if before.seconds >= least_s:
        raise FaultNotShown(
            f"a delay of {least_s:g} s cannot be recognized: {link.what} took "
            f"{before.seconds:.3f} s before"
        )
    trip = await _expect_slow(link, least_s)
    return f"answered after {trip.seconds:.3f} s; {before.seconds:.3f} s before"


@effect.register
async def _(toxic: Bandwidth, link: Link, stream: Stream, before: Trip) -> str:  # noqa: ARG001
    if link.bulk is None:
        raise FaultNotShown(f"a bandwidth cannot be measured over {link.what}: use latency, slicer")
    count = int(toxic.rate * 1000 * MEASURED_S)
    end, seconds = await bulk_end(link, *_split(stream, count))
    if end != "answered" or seconds < MEASURED_S:
        raise FaultNotShown(
            f"{count} bytes over {link.what}: {end} after {seconds:.3f} s, faster than "
            f"{toxic.rate:g} KB/s"
        )
    return f"{count} bytes took {seconds:.3f} s: at most {toxic.rate:g} KB/s"


@effect.register
async def _(toxic: SlowClose, link: Link, stream: Stream, before: Trip) -> str:  # noqa: ARG001
    trip = await link.expect("answered")
    if trip.close_seconds < toxic.delay / 1000:
        raise FaultNotShown(
            f"{link.what}: closed after {trip.close_seconds:.3f} s, not {toxic.delay / 1000:g} s"
        )
    return (
        f"closed {trip.close_seconds:.3f} s after its client; {before.close_seconds:.3f} s before"
    )


@effect.register
async def _(toxic: Timeout, link: Link, stream: Stream, before: Trip) -> str:  # noqa: ARG001
    wanted: tuple[End, ...] = ("closed", "silent") if toxic.timeout else ("silent",)
    trip = await link.expect(*wanted, within_s=SILENT_S + toxic.timeout / 1000)
    return f"{trip.end} after {trip.seconds:.3f} s without an answer"


@effect.register
async def _(toxic: Slicer, link: Link, stream: Stream, before: Trip) -> str:
    largest = toxic.average_size + toxic.size_variation
    pauses = len(link.request) // largest - 1
    least_s = pauses * toxic.delay / 1_000_000
    if stream != "upstream" or least_s <= before.seconds:
        raise FaultNotShown(
            f"slices of {largest} bytes and {toxic.delay:g} µs between them cannot be "
            f"recognized: a request of {len(link.request)} bytes over {link.what}, upstream, took "
            f"{before.seconds:.3f} s before"
        )
    trip = await _expect_slow(link, least_s)
    return f"{pauses} pauses: answered after {trip.seconds:.3f} s; {before.seconds:.3f} s before"


@effect.register
async def _(toxic: LimitData, link: Link, stream: Stream, before: Trip) -> str:  # noqa: ARG001
    if link.bulk is None:
        trip = await link.trip()
        end, seconds, count = trip.end, trip.seconds, len(link.request)
    else:
        count = toxic.bytes + 1
        end, seconds = await bulk_end(link, *_split(stream, count))
    if end not in {"closed", "reset"}:
        raise FaultNotShown(f"{count} bytes over {link.what}: {end} after {seconds:.3f} s")
    return f"{end} before {count} bytes were through"


@effect.register
async def _(toxic: ResetPeer, link: Link, stream: Stream, before: Trip) -> str:  # noqa: ARG001
    trip = await link.expect("reset", within_s=SILENT_S + toxic.timeout / 1000)
    return f"reset after {trip.seconds:.3f} s"


async def _expect_slow(link: Link, least_s: float) -> Trip:
    trip = await link.expect("answered")
    if trip.seconds < least_s:
        raise FaultNotShown(f"{link.what}: answered after {trip.seconds:.3f} s, not {least_s:g} s")
    return trip


def _split(stream: Stream, count: int) -> tuple[int, int]:
    """Give how much is sent and received."""
    return (count, 1) if stream == "upstream" else (1, count)
