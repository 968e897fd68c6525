"""The worker: claims bundles, packs them, and gives back what it cannot finish in time."""

import sys
import threading
import time
from dataclasses import dataclass, field

from tests.foreign.flask import packing
from tests.foreign.flask.claiming import Claim, Claims, LeaseLost, Made
from tests.foreign.flask.depot import Depot

_SWEEP_EVERY_S = 60.0
_SWEEP_OLDER_THAN_S = 900.0
_DELAY_STEPS = 20


class GivenBack(Exception):
    """The worker must end before this bundle does."""


@dataclass(kw_only=True)
class Worker:
    """One process; each of its slots works on one bundle at a time."""

    depot: Depot
    stopping: threading.Event = field(default_factory=threading.Event)
    _must_end_at: float = float("inf")

    def run(self) -> None:
        """Work until `drain` is called, then until the slots are free or the time is over."""
        settings = self.depot.settings
        slots = [
            threading.Thread(target=self._slot, name=f"slot-{number}")
            for number in range(settings.worker_slots)
        ]
        for slot in slots:
            slot.start()
        swept_at = time.monotonic()
        while not self.stopping.wait(settings.poll_s):
            if time.monotonic() - swept_at > _SWEEP_EVERY_S:
                self.depot.vault.sweep(_SWEEP_OLDER_THAN_S)
                swept_at = time.monotonic()
        for slot in slots:
            slot.join()

    def drain(self) -> None:
        """Claim nothing more, and give back what is unfinished when the grace is over."""
        self._must_end_at = time.monotonic() + self.depot.settings.drain_s
        self.stopping.set()

    def _slot(self) -> None:
        claims = Claims(depot=self.depot, worker=self.depot.settings.worker_name)
        while not self.stopping.is_set():
            try:
                claims.recover()
                claim = claims.next()
                if claim is not None:
                    self.work(claims, claim)
                    continue
            except Exception as error:
                # A database that is away for a moment must not end the worker.
                print(f"worker: {error!r}", file=sys.stderr, flush=True)  # noqa: T201
            self.stopping.wait(self.depot.settings.poll_s)

    def work(self, claims: Claims, claim: Claim) -> None:
        """Bring one bundle to its end, unless it is lost or has to be given back."""
        beating = _Beating(claims, claim, every_s=self.depot.settings.lease_s / 4)
        target = self.depot.vault.unfinished_bundle(claim.id, claim.lease)
        try:
            with beating:
                with self.depot.store.reading() as connection:
                    packed = packing.contents(connection, claim.bundle)
                self._take_time(beating)
                made = packing.pack(
                    self.depot, packed, target, lambda done: self._go(beating, done)
                )
                beating.check()
                with self.depot.store.writing() as connection:
                    claims.finish(
                        connection,
                        claim,
                        Made(
                            kept_in=f"out/{claim.id}.zip",
                            zip_sha256=made.zip_sha256,
                            index_text=made.index_text,
                            index_sha256=made.index_sha256,
                        ),
                    )
                    # After the fence and before the commit: nobody sees a bundle without its ZIP.
                    self.depot.vault.keep_bundle(target, claim.id)
        except packing.PackingFailed as failure:
            claims.fail(claim, failure.problem, str(failure))
        except GivenBack:
            claims.give_back(claim)
        except LeaseLost:
            pass  # another has it, or nobody wants it any more
        finally:
            target.unlink(missing_ok=True)

    def _take_time(self, beating: "_Beating") -> None:
        delay = self.depot.settings.work_delay_s
        for step in range(_DELAY_STEPS if delay else 0):
            time.sleep(delay / _DELAY_STEPS)
            self._go(beating, step)

    def _go(self, beating: "_Beating", percent: int) -> None:
        beating.percent = percent
        beating.check()
        if time.monotonic() > self._must_end_at:
            raise GivenBack


class _Beating:
    """Renews a lease from a thread of its own, so that packing a large file does not lose it."""

    def __init__(self, claims: Claims, claim: Claim, *, every_s: float) -> None:
        self.percent = 0
        self._claims = claims
        self._claim = claim
        self._every_s = every_s
        self._over = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="beating", daemon=True)

    def __enter__(self) -> "_Beating":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def check(self) -> None:
        """Raise `LeaseLost` once a beat has learned of it."""
        if self._lost.is_set():
            raise LeaseLost(self._claim.id)

    def _beat(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                self._claims.beat(self._claim, self.percent)
            except LeaseLost:
                self._lost.set()
                return
            except Exception as error:
                print(f"worker: no beat: {error!r}", file=sys.stderr, flush=True)  # noqa: T201
