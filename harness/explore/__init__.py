"""Every interleaving of the claim protocol's SQL steps, run for real on a database."""

from harness.explore.bench import Bench
from harness.explore.catalogue import Planned, plan
from harness.explore.contract_claim import EXPORTS_NEEDED, contract_claim
from harness.explore.errors import CannotGoOnError
from harness.explore.exploration import Budget, Exploration, Finding, explore
from harness.explore.protocol import Protocol
from harness.explore.protocol_file import load_protocol
from harness.explore.scenario import NAMEABLE_KINDS, Kind
from harness.explore.telling import tell_exploration, tell_finding

__all__ = [
    "EXPORTS_NEEDED",
    "NAMEABLE_KINDS",
    "Bench",
    "Budget",
    "CannotGoOnError",
    "Exploration",
    "Finding",
    "Kind",
    "Planned",
    "Protocol",
    "contract_claim",
    "explore",
    "load_protocol",
    "plan",
    "tell_exploration",
    "tell_finding",
]
