"""Rules: the sentences of the contract that a finding breaks, each with a stable id."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

_FILE = Path(__file__).with_name("rules.toml")


class Severity(StrEnum):
    """How bad it is to break a rule; the worst comes first."""

    TENANT_LEAK = "tenant leak"
    LOST_OR_DOUBLED = "lost or doubled work"
    TAMPERING = "tampering unseen"
    WRONG_ANSWER = "wrong answer"
    FORM = "form"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A sentence of the contract. Its id is the key in `rules.toml`, and never changes."""

    sentence: str
    """What holds on a backend that keeps the rule."""
    severity: Severity
    why: str
    """What goes wrong for users where it is broken."""
    fails: str
    """How such a failure usually looks, and where it comes from."""
    fix: str
    """What to change in the backend."""
    owners: tuple[str, ...] = ()
    """For a precondition of other checks: the ids of the checks whose business it is."""
    explains: tuple[str, ...] = ()
    """Rules that are often broken because of this one: reports name this one first."""


@cache
def rules() -> Mapping[str, Rule]:
    """Give all rules by id, in the order of the file."""
    plain = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return TypeAdapter(dict[str, Rule]).validate_python(plain)


def severity_of(rule_id: str) -> Severity:
    """Give a rule's severity; of a team's own check, whose id is its rule, a wrong answer."""
    rule = rules().get(rule_id.partition("[")[0])
    return rule.severity if rule else Severity.WRONG_ANSWER


def owners_of(rule_id: str) -> tuple[str, ...]:
    """Give the checks whose business a rule is; none for a rule that is no precondition."""
    rule = rules().get(rule_id)
    return rule.owners if rule else ()


@cache
def owning_checks() -> frozenset[str]:
    """Give the checks that own a precondition: they run first."""
    return frozenset(owner for rule in rules().values() for owner in rule.owners)
