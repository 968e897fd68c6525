"""The second SIGTERM ends a worker at once, as the second Ctrl-C does in many tools."""

import os
import signal

from reference_backend.defects import Defect
from reference_backend.worker.loop import Worker

_stop = Worker.stop


def _end_at_once(_number: int, _frame: object) -> None:
    os._exit(1)


def _stop_or_end(self: Worker) -> None:
    _stop(self)
    signal.signal(signal.SIGTERM, _end_at_once)


def _patch() -> None:
    Worker.stop = _stop_or_end  # type: ignore[method-assign]


DEFECT = Defect(
    title="A second SIGTERM ends a worker at once: platforms that repeat the signal lose all that it holds",
    source="known: impatient signal handlers, such as Celery's cold shutdown",
    expected=("chaos.drain",),
    patch=_patch,
)
