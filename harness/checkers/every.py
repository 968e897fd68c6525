"""Every checker of histories, the likeliest causes first."""

from harness.checkers.attempts import AttemptsBounded
from harness.checkers.cap import Cap
from harness.checkers.chain import LedgerChain
from harness.checkers.claim_visibility import ClaimsVisible
from harness.checkers.drains import DrainedInTime
from harness.checkers.effects import ExactlyOnceEffect
from harness.checkers.faults_proven import FaultsProven
from harness.checkers.fencing import Fencing
from harness.checkers.fold import Checker
from harness.checkers.intact import DownloadsIntact
from harness.checkers.nothing_lost import NothingLost
from harness.checkers.polled_states import PossibleSequence
from harness.checkers.reads import ReadYourWrites, TenantsApart
from harness.checkers.recovery import LeaseExclusive, OneMoreAttempt, RecoveryInTime
from harness.checkers.states import ClaimsCounted, FinalIsFinal, LegalTransitions, NoGap
from harness.checkers.unchanged import Unchanged

EVERY: tuple[type[Checker], ...] = (
    FaultsProven,
    NoGap,
    ClaimsVisible,
    LeaseExclusive,
    RecoveryInTime,
    Fencing,
    NothingLost,
    ExactlyOnceEffect,
    LegalTransitions,
    FinalIsFinal,
    ClaimsCounted,
    PossibleSequence,
    OneMoreAttempt,
    AttemptsBounded,
    DrainedInTime,
    Cap,
    LedgerChain,
    ReadYourWrites,
    TenantsApart,
    DownloadsIntact,
    Unchanged,
)
