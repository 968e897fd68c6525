"""The worker inside every API process: one package every so often, and what is stuck taken back."""

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from tests.foreign.fieldwork import janitor, lease, packing
from tests.foreign.fieldwork.lease import Lease, LeaseLost
from tests.foreign.fieldwork.packing import FileChanged, Material
from tests.foreign.fieldwork.service import Service

PACKAGE = "SELECT * FROM proof_packages WHERE id = %s"
CONTENTS = "SELECT * FROM package_contents(%s)"
ACTIVITY = "SELECT * FROM package_activity(%s)"
_log = logging.getLogger(__name__)


class Stopping(Exception):
    """The process is to end, and the package is to be had by another."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A thread that makes packages until it is stopped."""

    service: Service
    stopping: threading.Event = field(default_factory=threading.Event)
    holding: list[Lease] = field(default_factory=list)
    """The package at work, if any."""

    def start(self) -> threading.Thread:
        """Start it."""
        thread = threading.Thread(target=self.run, name="worker")
        thread.start()
        return thread

    def run(self) -> None:
        """Look at once, then every `worker_every_s` seconds."""
        settings, tidied = self.service.settings, 0.0
        while not self.stopping.is_set():
            try:
                self.once()
                if time.monotonic() - tidied > settings.tidy_s / 4:
                    janitor.tidy(self.service)
                    tidied = time.monotonic()
            except Exception:
                _log.exception("the worker goes on")
            self.stopping.wait(settings.worker_every_s)

    def once(self) -> None:
        """Take back what is stuck, then make one package, if there is one."""
        settings = self.service.settings
        self.take_back()
        held = lease.claim(self.service.database, settings.worker_name, settings.running_per_org)
        if held is None:
            return
        self.holding[:] = [held]
        try:
            with held.kept(settings.heartbeat_s):
                self.make(held)
        except LeaseLost:
            _log.warning("package %s was lost", held.package)
        except Stopping:
            held.say(lease.RELEASED)
        except FileChanged as error:
            self.give_up(held, "file_changed", f"Document {error} is not what was filed.")
        except FileNotFoundError:
            self.give_up(held, "file_missing", "A document's file is missing.")
        finally:
            self.holding.clear()

    def give_back(self) -> None:
        """Let others have the package at work; for another thread, when this one hangs."""
        for held in list(self.holding):
            with suppress(LeaseLost):
                held.say(lease.RELEASED)

    def take_back(self) -> None:
        """Take back all that is stuck, one in each transaction: they lock several logs else."""
        found = True
        while found:
            with self.service.database.as_service() as connection:
                stuck_after_s = self.service.settings.stuck_after_s
                row = connection.execute(lease.STUCK, [stuck_after_s]).fetchone()
                found = bool(row and row["found"])

    def make(self, held: Lease) -> None:
        """Make the package. Raises `LeaseLost`, `Stopping`, `FileChanged` and `OSError`."""
        began = time.monotonic()
        material = self.material(held.package)
        held.say(lease.ALIVE, None, 10)
        packed = packing.packed(material, self.service.bucket)
        self.go_on(held, began + self.service.settings.work_s / 2)
        held.say(lease.ALIVE, "uploading", 60)
        self.go_on(held, began + self.service.settings.work_s)
        # The same bytes at every attempt: whoever comes second changes nothing by writing them.
        key = f"packages/{material.package['org_id']}/{held.package}.zip"
        self.service.bucket.write(packed.archive, key)
        held.say(lease.COMPLETED, key, packed.manifest, packed.manifest_sha256, packed.zip_sha256)

    def material(self, package: str) -> Material:
        """What it is made from."""
        with self.service.database.as_service() as connection:
            row = connection.execute(PACKAGE, [package]).fetchone()
            assert row is not None
            return Material(
                package=row,
                documents=connection.execute(CONTENTS, [package]).fetchall(),
                activity=connection.execute(ACTIVITY, [package]).fetchall(),
            )

    def go_on(self, held: Lease, until: float) -> None:
        """Work until then, unless there is no use in it. Raises `LeaseLost` and `Stopping`."""
        while True:
            if held.lost.is_set():
                raise LeaseLost(held.package)
            if self.stopping.is_set():
                raise Stopping
            left = until - time.monotonic()
            if left <= 0:
                return
            self.stopping.wait(min(left, 0.1))

    def give_up(self, held: Lease, reason: str, message: str) -> None:
        """Say that it cannot be made, unless it is somebody else's by now."""
        try:
            held.say(lease.ERROR, reason, message)
        except LeaseLost:
            _log.warning("package %s was lost", held.package)
