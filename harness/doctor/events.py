"""The steps about events in the ledger."""

from harness.doctor.advice import Advice
from harness.doctor.walked import Seen, Walked
from harness.errors import Inconclusive
from harness.vocabulary.events import EVENT_NAMES


async def read_ledger(walked: Walked) -> Seen:
    """List the events of the ledger."""
    org = walked.have_org()
    events = await org.client.listed("listLedgerEvents")
    if not events:
        return "it is empty", Advice(hint="an upload should have written an event")
    walked.event = events[-1]
    walked.noticed.thing("ledger_event", walked.event)
    walked.noticed.listed("listLedgerEvents", events)
    names = sorted({str(event["event_name"]) for event in events})
    unknown = [each for each in names if each not in EVENT_NAMES]
    if unknown:
        return (
            f"events {', '.join(names)}",
            Advice(
                hint=f"the contract has {', '.join(sorted(EVENT_NAMES))}",
                lines=(
                    "[contract.values.ledger_event.event_name]",
                    *(f'… = "{each}"' for each in unknown),
                ),
            ),
        )
    return f"{len(events)} events: {', '.join(names)}", None


async def verify_event(walked: Walked) -> Seen:
    """Have the last event verified."""
    org, event = walked.have_org(), walked.event
    if event is None:
        raise Inconclusive("there is no event to verify")
    answer = await org.client.call("verifyLedgerEvent", path={"event_id": event["id"]})
    walked.expect_success(answer, 200)
    walked.noticed.thing("ledger_verification", answer.data)
    return "answered", None
