"""What a fuzzing check has sent, and every kind of wrong answer that it got."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from contracts.conformance.breach import Breach
from contracts.conformance.fuzzing.case import Case
from harness.client import Answer, NoAnswer
from harness.findings.exchanges import Exchange, Recent

MOST_WAYS = 8
"""Ways in which an operation breaks a rule that are named."""

MOST_BYTES = 32 * 1024
"""Of a body that is kept as evidence."""

MOST_UNANSWERED = 2
"""Requests to one operation that may stay unanswered: each costs a whole deadline."""

MOST_UNANSWERED_IN_ALL = 12

SHOWN_EXCHANGES = 2

Kind = tuple[str, str]
"""Operation and rule: in which of its fields or cases it shows is a matter of chance."""


@dataclass(frozen=True, kw_only=True)
class WrongAnswer:
    """The simplest request of one kind of wrong answers, and how many there were."""

    case: Case
    breach: Breach
    got: str
    exchanges: tuple[Exchange, ...] = field(default=(), repr=False)
    ways: Mapping[str, str] = field(default_factory=dict)
    """In which other fields or cases the rule is broken, and what is wrong there."""
    times: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """How simple the request is: the less, the better."""
        return len(self.case.body or b""), self.case.number


@dataclass(kw_only=True)
class Results:
    """Counts of what was sent, and the wrong answers by kind."""

    first_only: bool = False
    """Whether to stop at the first wrong answer."""
    cases: int = 0
    requests: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    """Cases by operationId."""
    succeeded: Counter[str] = field(default_factory=Counter)
    """Successes by operationId."""
    phases: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    """Requests without an answer by operationId."""
    wrong: dict[Kind, WrongAnswer] = field(default_factory=dict)

    @property
    def should_stop(self) -> bool:
        """Whether enough was found."""
        return (self.first_only and bool(self.wrong)) or (
            self.unanswered.total() >= MOST_UNANSWERED_IN_ALL
        )

    def is_silent(self, operation_id: str) -> bool:
        """Whether an operation did not answer so often that it is not asked any more."""
        return self.unanswered[operation_id] >= MOST_UNANSWERED

    def count(self, case: Case) -> None:
        """Count a case that is sent now."""
        self.cases += 1
        self.sent[case.operation_id] += 1
        self.phases[case.phase] += 1

    def add(
        self, case: Case, answer: Answer, breaches: Iterable[Breach], recent: Recent | None = None
    ) -> None:
        """Record what is wrong with an answer."""
        for breach in breaches:
            self._add(case, breach, answer.describe(), recent)

    def add_unanswered(self, case: Case, error: NoAnswer, recent: Recent | None = None) -> None:
        """Record that there was no answer."""
        self.unanswered[case.operation_id] += 1
        breach = Breach(rule="answer.given", what=f"no answer: {error.got}")
        self._add(case, breach, "no answer", recent)

    def _add(self, case: Case, breach: Breach, got: str, recent: Recent | None) -> None:
        kind = (case.operation_id, breach.rule)
        exchanges = tuple(map(_shortened, recent.last(SHOWN_EXCHANGES))) if recent else ()
        way = {f"{breach.field} {breach.about}": breach.what}
        new = WrongAnswer(case=case, breach=breach, got=got, exchanges=exchanges, ways=way)
        if (known := self.wrong.get(kind)) is not None:
            ways = known.ways if len(known.ways) >= MOST_WAYS else {**way, **known.ways}
            simplest = min(known, new, key=lambda each: each.size)
            new = replace(simplest, ways=ways, times=known.times + 1)
        self.wrong[kind] = new


def _shortened(exchange: Exchange) -> Exchange:
    return replace(exchange, body=exchange.body[:MOST_BYTES], answer=exchange.answer[:MOST_BYTES])
