"""A request whose body comes in two parts, with somebody else's requests between them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from contracts.shared.tenants.populated_tenant import PopulatedTenant
from contracts.tenancy.requests.expectations import expect_status_in
from contracts.tenancy.requests.lists import expect_owned_by
from contracts.tenancy.requests.request_shapes import PreparedRequest, RequestShape
from harness.client import Answer, Client, Sample
from harness.client.client import DEADLINE_S
from harness.client.transport import Interrupted

SERVED = frozenset(range(200, 300))


async def expect_written_for_sender(
    shape: RequestShape,
    own: PopulatedTenant,
    other: PopulatedTenant,
    sample: Sample,
    reading: Sequence[RequestShape],
    instance: int,
) -> None:
    """Fail when what an organization writes becomes another's who was served meanwhile."""
    request = shape.request(own.own_ids(shape.slots), sample)

    async def meanwhile() -> None:
        for between in reading:
            asked = between.request(other.own_ids(between.slots), sample)
            await asked.send(other.org.client, instance)

    answer = await _send_in_two(request, own.org.client, instance, meanwhile)
    what = f"{shape} while another organization is served"
    expect_status_in(answer, SERVED, what)
    if answer.body:
        expect_owned_by(own, answer.data, f"the answer to {what}")


async def _send_in_two(
    request: PreparedRequest,
    client: Client,
    instance: int,
    meanwhile: Callable[[], Awaitable[None]],
) -> Answer:
    headers = {**request.headers, "authorization": f"Bearer {client.token}"}
    sent = replace(request, headers=headers)
    return await client.transport.send(
        sent.route,
        sent.path,
        instance=instance,
        deadline_s=DEADLINE_S,
        headers=sent.headers,
        query=sent.query,
        body=Interrupted(content=request.content or b"", meanwhile=meanwhile),
    )
