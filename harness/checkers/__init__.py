"""Pure functions that judge what happened (facts in, violations out), and the facts' reader."""

from harness.checkers.cap import most_in_progress, per_organization_cap
from harness.checkers.download import Download, damages
from harness.checkers.exactly_once import exactly_once
from harness.checkers.facts import CompletionFact, ExportFact, Transition
from harness.checkers.observed import Observed, observe_exports
from harness.checkers.order import overtaken, rank_correlation
from harness.checkers.ownership import claims_in_the_open
from harness.checkers.recovery import (
    Orphan,
    RecoveryTimes,
    never_stolen,
    one_more_attempt,
    reclaimed_in_time,
)
from harness.checkers.sightings import Sighting, impossible_lives
from harness.checkers.violations import Violation, expect_no_violations

__all__ = [
    "CompletionFact",
    "Download",
    "ExportFact",
    "Observed",
    "Orphan",
    "RecoveryTimes",
    "Sighting",
    "Transition",
    "Violation",
    "claims_in_the_open",
    "damages",
    "exactly_once",
    "expect_no_violations",
    "impossible_lives",
    "most_in_progress",
    "never_stolen",
    "observe_exports",
    "one_more_attempt",
    "overtaken",
    "per_organization_cap",
    "rank_correlation",
    "reclaimed_in_time",
]
