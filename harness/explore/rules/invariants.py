"""What must hold in every interleaving: pure functions from a trace to the rules it broke."""

from collections.abc import Iterator, Set

from harness.explore.protocol.protocol import State
from harness.explore.rules.bookkeeping import Book
from harness.explore.rules.commit_rules import judge_commit
from harness.explore.rules.result_rules import judge_result, token_key
from harness.explore.rules.state_rules import judge_end, judge_state
from harness.explore.rules.violation import Violation
from harness.explore.trace import Committed, Trace


def violations(trace: Trace, state: State, seen_tokens: Set[str] = frozenset()) -> list[Violation]:
    """Give everything that an interleaving broke, in the order in which it did.

    `seen_tokens` are those of earlier interleavings on the same database.
    """
    book = Book(trace=trace, state=state, earlier_tokens=seen_tokens)
    for moment in trace.moments:
        book.moment = moment
        book.unsure.clear()
        for event in moment.events:
            book.events += 1
            if isinstance(event, Committed):
                for step in event.steps:
                    judge_commit(book, step)
            else:
                judge_result(book, event)
        if moment.after is not None:
            judge_state(book, moment.after)
        book.was_open = moment.open
    judge_end(book)
    return book.found


def issued_tokens(trace: Trace) -> Iterator[str]:
    """Give the tokens of all claims, also of those that were rolled back."""
    for moment in trace.moments:
        for ended in moment.ended():
            for hold in ended.claimed:
                if hold.token is not None:
                    yield token_key(hold.token, hold.export)
