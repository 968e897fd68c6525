"""What the target file declares absent is not there."""

from contracts.conformance.declared_absent import AbsenceProbe
from harness.check import check
from harness.client import Organization, Samples
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.target import Capability, Target


@check(
    "contract.declared-absent",
    "What is declared absent is not there",
    checklist="Verify the API against its contract",
    needs={Capability.ABSENCES},
    observes=1,
)
async def check_declared_absent(
    org: Organization, target: Target, samples: Samples, observe: Observations, cells: Cells
) -> None:
    """Ask for each operation, field, header and type of export that the target declares absent.

    What answers or is shown nevertheless is a finding about the target file: no check judges it as
    long as it is declared absent.
    """
    probe = AbsenceProbe(org=org, target=target, cells=cells, observe=observe)
    await probe.make(samples)
    await probe.look_at_operations()
    await probe.look_at_fields()
    await probe.look_at_headers()
    await probe.look_at_requests()
