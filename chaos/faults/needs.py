"""What faults need: of the target and, separately, of the machine."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from chaos.faults.proof import MachineLacks, TargetCannot
from harness.target import Capability


@dataclass(frozen=True, kw_only=True)
class MachineNeed:
    """Something that a machine has or has not, for every target."""

    name: str
    missing: Callable[[], str]
    """Says why this machine cannot; empty where it can."""
    help: str
    """What to do about it."""


def refuse_target(
    label: str, needs: Collection[Capability], offered: Collection[Capability]
) -> None:
    """Raise `TargetCannot` where a fault needs what the target does not offer.

    Nothing weaker takes its place: what was not done was not looked at.
    """
    if lacking := sorted(set(needs) - set(offered)):
        raise TargetCannot(
            f"the fault {label} cannot be injected: this target does not offer "
            f"{', '.join(lacking)} (docs/faults.md says what offers it)"
        )


def refuse_machine(label: str, needs: Collection[MachineNeed]) -> None:
    """Raise `MachineLacks` where the machine lacks what a fault needs."""
    for need in needs:
        if why := need.missing():
            raise MachineLacks(
                f"the fault {label} cannot be injected on this machine: {need.name}: {why}; "
                f"{need.help}"
            )
