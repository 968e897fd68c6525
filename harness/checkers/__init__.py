"""Pure functions that judge what happened (facts in, violations out), and the facts' reader."""

from harness.checkers.cap import most_in_progress, per_organization_cap
from harness.checkers.claim_visibility import claims_are_visible
from harness.checkers.download import Download, download_fields, download_violations
from harness.checkers.exactly_once import exactly_once
from harness.checkers.facts import CompletionFact, ExportFact, Transition
from harness.checkers.looks import Looks
from harness.checkers.order import overtaken, rank_correlation
from harness.checkers.polled_states import PolledState, impossible_sequences
from harness.checkers.read_database import ExportFacts, read_exports
from harness.checkers.read_ledger import read_chains
from harness.checkers.recovery import (
    Orphan,
    RecoveryTimes,
    never_stolen,
    one_more_attempt,
    reclaimed_in_time,
)
from harness.checkers.violations import Violation, expect_no_violations, failures_of

__all__ = [
    "CompletionFact",
    "Download",
    "ExportFact",
    "ExportFacts",
    "Looks",
    "Orphan",
    "PolledState",
    "RecoveryTimes",
    "Transition",
    "Violation",
    "claims_are_visible",
    "download_fields",
    "download_violations",
    "exactly_once",
    "expect_no_violations",
    "failures_of",
    "impossible_sequences",
    "most_in_progress",
    "never_stolen",
    "one_more_attempt",
    "overtaken",
    "per_organization_cap",
    "rank_correlation",
    "read_chains",
    "read_exports",
    "reclaimed_in_time",
]
