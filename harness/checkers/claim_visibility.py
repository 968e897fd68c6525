"""Could others see that an export was being worked on, and by which worker?"""

from collections.abc import Iterable

from harness.checkers.facts import Transition
from harness.checkers.violations import Violation
from harness.vocabulary.exports import PREPARING


def claims_are_visible(transitions: Iterable[Transition]) -> list[Violation]:
    """Give each claim that no other session could see while it lasted, or that names no owner.

    A claim that commits together with its result was never to be seen: for as long as the work
    took it held a row lock and kept the export `queued` for everybody else, so that no heartbeat,
    cap, cancellation or recovery could know of it. Linear in the number of transitions.
    """
    found: list[Violation] = []
    claims: dict[str, Transition] = {}
    for step in transitions:
        if step.is_claim:
            claims[step.export_id] = step
            if not step.new_claimed_by:
                found.append(_nobodys(step))
        elif step.old_state == PREPARING and step.new_state != PREPARING:
            claim = claims.pop(step.export_id, None)
            if claim is not None and claim.txid is not None and claim.txid == step.txid:
                found.append(_unseen(claim, step))
    return found


def _nobodys(claim: Transition) -> Violation:
    return Violation(
        rule="nobodys",
        subject=claim.export_id,
        expected=f"claimed_by to name the owner of export {claim.export_id}, which is {PREPARING}",
        got=f"no name: {claim.describe()}",
    )


def _unseen(claim: Transition, end: Transition) -> Violation:
    return Violation(
        rule="claim-unseen",
        subject=claim.export_id,
        expected=f"the claim of export {claim.export_id} to be committed before the work begins, "
        f"so that others see it {PREPARING}",
        got=f"one transaction ({claim.txid}) that claimed it at {claim.at:%H:%M:%S.%f} and made "
        f"it {end.new_state} at {end.at:%H:%M:%S.%f}",
    )
