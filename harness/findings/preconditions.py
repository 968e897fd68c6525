"""What a check needs to exist before it can look: its absence is a finding, but of which check?

`precondition("job.created")` around the calls that make it turns their failure into
`PreconditionNotMet`. After the last check the run decides: where a check that owns the rule
reported it, the others are blocked by it; where none did, it is a finding of the check itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from harness.errors import CheckFailed, PreconditionNotMet

BROKEN_WAIT_S = 1.0
"""How long a check still waits for what another check has waited for without success."""

_IS_SUBJECT: ContextVar[bool] = ContextVar("preconditions are the subject", default=False)


@contextmanager
def precondition(rule: str) -> Iterator[None]:
    """Take a failure inside for a precondition that is not met, not for what the check is about."""
    try:
        yield
    except PreconditionNotMet:
        raise
    except CheckFailed as error:
        if _IS_SUBJECT.get():
            raise
        raise PreconditionNotMet.of(error, rule) from error


@contextmanager
def as_subject() -> Iterator[None]:
    """What fails inside is what the check is about: after a drill's fault nothing is given."""
    token = _IS_SUBJECT.set(True)
    try:
        yield
    finally:
        _IS_SUBJECT.reset(token)


class BrokenPreconditions:
    """Which preconditions a run has seen broken by a check that owns them; shared by processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def note(self, rule: str) -> None:
        """Take note that an owner of the rule found it broken."""
        self._folder.mkdir(exist_ok=True)
        (self._folder / rule).touch()

    def __contains__(self, rule: str) -> bool:
        return (self._folder / rule).exists()

    def wait_s(self, rule: str, seconds: float) -> float:
        """Give how long to wait: `seconds`, or little where the rule is known to be broken."""
        return min(seconds, BROKEN_WAIT_S) if rule in self else seconds
