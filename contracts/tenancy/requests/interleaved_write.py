"""A write whose body is sent in two parts, with another organization's requests in between."""

from collections.abc import Sequence

from contracts.shared.tenants.populated_tenant import PopulatedTenant
from contracts.tenancy.requests.expectations import expect_status_in
from contracts.tenancy.requests.lists import expect_owned_by
from contracts.tenancy.requests.request_shapes import RequestShape
from harness.client import Sample
from harness.client.caller import DEADLINE_S
from harness.client.http.sent_body import Interrupted

SERVED = frozenset(range(200, 300))


async def expect_written_for_sender(
    shape: RequestShape,
    own: PopulatedTenant,
    other: PopulatedTenant,
    sample: Sample,
    reading: Sequence[RequestShape],
    instance: int,
) -> None:
    """Fail if a write goes to another organization that was served in between."""
    request = shape.request(own.own_ids(shape.slots), sample)

    async def meanwhile() -> None:
        for between in reading:
            asked = between.request(other.own_ids(between.slots), sample)
            await asked.send(other.org.client, instance)

    answer = await own.org.client.transport.send(
        request.route,
        request.path,
        instance=instance,
        deadline_s=DEADLINE_S,
        headers={**request.headers, **await own.org.client.authorization()},
        query=request.query,
        body=Interrupted(content=request.content or b"", meanwhile=meanwhile),
    )
    what = f"{shape} while another organization is served"
    expect_status_in(answer, SERVED, what)
    if answer.body:
        expect_owned_by(own, answer.data, f"the answer to {what}")
