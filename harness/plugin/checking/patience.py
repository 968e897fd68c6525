"""One patience with gateways for all checks of a process, so that a run stays bounded."""

import pytest

from harness.client.http.patience import Patience
from harness.target import Target

_PATIENCE = pytest.StashKey[Patience]()


def patience_of(config: pytest.Config, target: Target) -> Patience:
    """Give that of this process; the first check makes it."""
    if _PATIENCE not in config.stash:
        config.stash[_PATIENCE] = Patience(has_gateway=target.driver == "external")
    return config.stash[_PATIENCE]
