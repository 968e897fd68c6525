"""Every interleaving of the claim protocol's SQL steps, run for real on a database."""

from harness.explore.contract_claim import EXPORTS_NEEDED, contract_claim
from harness.explore.errors import CannotGoOnError
from harness.explore.exploration import Budget, Exploration, Finding, explore
from harness.explore.protocol.protocol import Protocol
from harness.explore.protocol.protocol_file import load_protocol
from harness.explore.reports.render import render_exploration, render_finding
from harness.explore.running.explored_database import ExploredDatabase
from harness.explore.running.rehearsal import rehearse
from harness.explore.scripts.scenario import NAMEABLE_KINDS, Kind
from harness.explore.scripts.scenarios import PlannedScenario, plan

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
    "rehearse",
    "render_exploration",
    "render_finding",
]
