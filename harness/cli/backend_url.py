"""`--target URL`: a backend that runs already, named on the command line."""

import os
from collections.abc import MutableMapping

from harness.errors import Misconfigured
from harness.redaction.secret_encodings import passwords_of

VARIABLE = "BACKEND_URL"


class BackendUrl(str):
    """The address of a backend that runs already."""

    __slots__ = ()

    @classmethod
    def of(cls, text: str) -> "BackendUrl":
        """Take what stands behind `--target`.

        Raises `Misconfigured` where it is no address of a backend, and where it holds a password:
        everybody on a machine can read the arguments of its commands.
        """
        scheme, _, rest = text.partition("://")
        if any(passwords_of(text)):
            raise Misconfigured(
                "--target URL: it holds a password, which everybody on this machine can read among "
                f"the arguments of commands; put the URL into the variable {VARIABLE} instead"
            )
        if scheme.lower() not in {"http", "https"} or not rest.strip("/"):
            raise Misconfigured(
                f"--target {text}: expected a target file, or http://… or https://… of a backend "
                "that runs already"
            )
        return cls(text)

    def name_backend(self, environment: MutableMapping[str, str] | None = None) -> None:
        """Set the variable that names the backend, for this process and those that it starts.

        Raises `Misconfigured` where it names another one already.
        """
        there = os.environ if environment is None else environment
        known = there.get(VARIABLE)
        if known is not None and known.rstrip("/") != self.rstrip("/"):
            raise Misconfigured(
                f"--target {self} and the variable {VARIABLE} ({known or 'empty'}) name two "
                "backends; unset the variable, or leave --target out"
            )
        there[VARIABLE] = str(self)
