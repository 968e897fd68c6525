"""The API instances of a system, for checks that need at least two of them."""

from harness.client import Client
from harness.errors import Inconclusive


def several_instances(client: Client) -> list[int]:
    """Give the instances' numbers; `Inconclusive` where there is only one."""
    if client.instances < 2:
        raise Inconclusive(
            "this check needs two API instances, and the target has one: set "
            "[api] instances, or add an address to [api] base_urls"
        )
    return list(range(client.instances))
