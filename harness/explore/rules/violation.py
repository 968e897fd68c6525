"""A sentence of the contract that an interleaving broke."""

from dataclasses import dataclass

RULES = {
    "claimed-twice": "an export that has an owner is not claimed by another worker",
    "token-repeated": "a claim token is never issued twice, also not after a rollback",
    "attempt-not-risen": "the attempt rises with every claim, and never goes back",
    "over-cap": "no organization has more in progress than its cap",
    "over-limit": "a claim gives no more exports than it was asked for",
    "lost": "no export disappears, but by a step that may delete it",
    "unknown-state": "an export is queued, owned or in a terminal state",
    "owned-by-nobody": "an export in progress has an owner, whose claim returned it",
    "taken-from-owner": "an export leaves its owner only by the owner's step or by recovery",
    "stale-token": "a worker that has lost its export, a stale token, changes zero rows",
    "owner-refused": "the current token is accepted",
    "not-recovered": "an export whose owner was silent for the stuck timeout is taken back",
    "attempts-bound": "recovery queues an export again until its attempts are used up",
    "stolen-live": "an export whose owner gave a sign of life is not taken back",
    "terminal-changed": "a terminal state never changes",
    "completed-twice": "an export is completed once, and its completion recorded once",
    "ended-otherwise": "complete makes an export ready, fail ends it, release queues it again",
    "not-drained": "at the end a fresh worker can finish every export",
    "step-raised": "no step raises an error, but to refuse a stale token",
    "blocked-for-ever": "no worker waits for one that has ended its transaction",
}
"""What must hold, by the rule's short name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """A rule that was broken in one interleaving."""

    rule: str
    number: int
    """The step that broke it."""
    got: str
    """What happened instead."""

    @property
    def expected(self) -> str:
        """What the contract demands."""
        return RULES[self.rule]
