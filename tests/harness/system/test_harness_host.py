"""Where a backend reaches a server of ours: nowhere, if it runs on another machine."""

from types import SimpleNamespace
from typing import Any

import pytest

from harness.system import System


class _System(System):
    """One of which only this much is known."""

    def __init__(self, driver: str, *urls: str) -> None:
        known: Any = SimpleNamespace(
            target=SimpleNamespace(driver=driver, api=SimpleNamespace(base_urls=urls)),
            plan=SimpleNamespace(driver=SimpleNamespace(harness_host="127.0.0.1")),
        )
        self.target, self.plan = known.target, known.plan


@pytest.mark.parametrize(
    ("system", "host"),
    [
        (_System("process"), "127.0.0.1"),
        (_System("external", "http://127.0.0.1:8080", "http://localhost:8081"), "127.0.0.1"),
        (_System("external", "http://127.0.0.1:8080", "https://staging.example"), None),
        (_System("external", "http://10.1.2.3:8080"), None),
    ],
)
def test_only_what_runs_here_reaches_us(system: System, host: str | None) -> None:
    assert system.harness_host == host
