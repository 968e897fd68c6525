"""A key may be held for the lease that the target declares, and no longer."""

import time
from dataclasses import dataclass
from typing import cast

import pytest

from contracts.shared.requests import keyed_requests
from contracts.shared.requests.keyed_requests import upload_of
from harness.client import Answer, Client, Record, Sample
from harness.errors import CheckFailed

UPLOAD = upload_of(Record(id="1"), Sample("a.png", "image/png", b"png"))


@dataclass
class HeldKey:
    """Answers 409 until the key's holder has been dead for so long."""

    free_after_s: float
    key_lease_s: float

    def __post_init__(self) -> None:
        self._died = time.monotonic()

    async def call(self, operation_id: str, **_: object) -> Answer:
        held = time.monotonic() - self._died < self.free_after_s
        return Answer(
            operation_id=operation_id, method="POST", path="/", instance=0, headers={}, body=b"{}",
            status=409 if held else 201, elapsed_s=0.0,
        )  # fmt: skip


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyed_requests, "GRACE_S", 0.05)


async def test_a_key_is_waited_for_as_long_as_its_lease() -> None:
    client = cast("Client", HeldKey(free_after_s=0.2, key_lease_s=0.3))
    assert (await UPLOAD.send_until_decided(client, "mine")).status == 201


async def test_a_key_held_beyond_its_lease_fails_by_its_name() -> None:
    client = cast("Client", HeldKey(free_after_s=5, key_lease_s=0.1))
    with pytest.raises(
        CheckFailed, match=r"the key 'mine' free .* its lease of 0\.1 s .*key_lease_s"
    ):
        await UPLOAD.send_until_decided(client, "mine")
