"""Every interleaving of the claim protocol's SQL steps, run for real on a database."""

from harness.explore.contract_claim import EXPORTS_NEEDED, contract_claim
from harness.explore.errors import CannotGoOnError
from harness.explore.exploration import Budget, Exploration, Finding, explore
from harness.explore.explored_database import ExploredDatabase
from harness.explore.protocol import Protocol
from harness.explore.protocol_file import load_protocol
from harness.explore.render import render_exploration, render_finding
from harness.explore.scenario import NAMEABLE_KINDS, Kind
from harness.explore.scenarios import PlannedScenario, plan

__all__ = [
    "EXPORTS_NEEDED",
    "NAMEABLE_KINDS",
    "Budget",
    "CannotGoOnError",
    "Exploration",
    "ExploredDatabase",
    "Finding",
    "Kind",
    "PlannedScenario",
    "Protocol",
    "contract_claim",
    "explore",
    "load_protocol",
    "plan",
    "render_exploration",
    "render_finding",
]
