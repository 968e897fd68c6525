"""What can go wrong, by who has to act on it."""

from typing import Literal

from harness.evidence import Evidence
from harness.renamed import accepts_old_keywords, warn_renamed

Outcome = Literal["fail", "info"]
"""Of an operation without an answer: `fail` surely did not happen, `info` may have happened."""


class ShakedownError(Exception):
    """Everything that the harness itself raises on purpose."""


class Misconfigured(ShakedownError):
    """The run cannot begin, or go on, as it was asked for (exit code 3).

    `what` says who is wrong, what was expected, what was got and what to do about it;
    `where` is the `file:line` it was read from, when it was read from a file.
    """

    def __init__(self, what: str, *, where: str | None = None) -> None:
        self.what = what
        self.where = where
        super().__init__(f"{where}: {what}" if where else what)


class InstanceFailed(Misconfigured):
    """An instance died or never got ready; the message ends with its last log lines."""


class CheckFailed(AssertionError):
    """The backend broke a sentence of its contract: the verdict of the check is `fail`."""

    @accepts_old_keywords(came="got")
    def __init__(
        self,
        expected: str,
        got: str,
        detail: str = "",
        *,
        rule: str = "",
        subject: str = "",
        aspect: str | None = None,
        evidence: tuple[Evidence, ...] = (),
    ) -> None:
        # A check may hand on what a backend sent or stored: a report must never fail over it.
        self.expected, self.got, self.detail = str(expected), str(got), str(detail or "")
        self.rule = rule
        """The id of the rule that is broken; empty for what the check itself says."""
        self.subject = str(subject)
        """What breaks it, such as an operation; empty for what the check's cell says."""
        self.aspect = self.expected if aspect is None else aspect
        """The expectation without its values, where `expected` has some."""
        self.evidence = evidence
        """What shows it, where it is not (only) the last requests, which every finding has."""
        parts = [f"expected {self.expected}", f"got {self.got}", self.detail]
        super().__init__("\n".join(filter(None, parts)))

    @property
    def came(self) -> str:
        """The old name of `got`."""
        warn_renamed("came", "got")
        return self.got


class PreconditionNotMet(CheckFailed):
    """What a check needs to exist could not be made; the run decides whose finding that is."""

    @classmethod
    def of(cls, failure: CheckFailed, rule: str) -> "PreconditionNotMet":
        """The same failure as a broken precondition, with the precondition's rule."""
        return cls(
            failure.expected,
            failure.got,
            failure.detail,
            rule=rule,
            subject=failure.subject,
            aspect=failure.aspect,
            evidence=failure.evidence,
        )


class Inconclusive(Exception):
    """The check could not find out: neither `pass` nor `fail` would be true."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Absent(Inconclusive):
    """The target declares absent what a check asks for.

    Inside a cell it takes that cell away; outside it leaves the check without a verdict.
    """

    def __init__(self, name: str, declared_in: str = "[contract] absent") -> None:
        self.name = name
        """In the words of `harness.asks`."""
        super().__init__(f"the target declares {name} absent ({declared_in})")


# Named, not imported: the table has classes of libraries that many runs never load.
# What is not listed is `info`, which no checker ever takes for "did not happen".
_OUTCOMES: dict[str, Outcome] = {
    "builtins.ConnectionRefusedError": "fail",
    # Nothing was sent: refused, no route, no such name, TLS.
    "aiohttp.client_exceptions.ClientConnectorError": "fail",
    "aiohttp.client_exceptions.ConnectionTimeoutError": "fail",
    "aiohttp.client_exceptions.InvalidURL": "fail",
    "psycopg.errors.ConnectionTimeout": "fail",
    "psycopg_pool.PoolTimeout": "fail",
    "builtins.TimeoutError": "info",
    "builtins.ConnectionResetError": "info",
    "builtins.BrokenPipeError": "info",
    "aiohttp.client_exceptions.ClientError": "info",
    "psycopg.OperationalError": "info",
}


def classify(error: BaseException) -> Outcome:
    """Say whether an operation that ended in this error surely did not happen.

    The most specific class of the error that the table knows decides.
    """
    for ancestor in type(error).__mro__:
        outcome = _OUTCOMES.get(_public_name(ancestor))
        if outcome is not None:
            return outcome
    return "info"


def _public_name(kind: type) -> str:
    """Give `package.Name` for a class that says it is from `package._module`."""
    public = [part for part in kind.__module__.split(".") if not part.startswith("_")]
    return ".".join([*public, kind.__qualname__])
