"""`--target URL`: a backend that runs already, named on the command line."""

import os
from collections.abc import MutableMapping

from harness.errors import Misconfigured
from harness.redaction.secret_encodings import passwords_of

VARIABLE = "BACKEND_URL"


def name_backend(url: str, environment: MutableMapping[str, str] | None = None) -> None:
    """Set the variable that names the backend, for this process and those that it starts.

    Raises `Misconfigured` where the URL is no address of a backend, where it holds a password,
    which everybody on a machine could read, and where the variable names another backend already.
    """
    variables = os.environ if environment is None else environment
    scheme, _, rest = url.partition("://")
    if any(passwords_of(url)):
        raise Misconfigured(
            "--target URL: the URL holds a password, and every user of this machine can read the "
            f"arguments of commands; put the URL into the variable {VARIABLE} instead"
        )
    if scheme.lower() not in {"http", "https"} or not rest.strip("/"):
        raise Misconfigured(
            f"--target {url}: expected a target file, or http://… or https://… of a backend "
            "that runs already"
        )
    known = variables.get(VARIABLE)
    if known is not None and known.rstrip("/") != url.rstrip("/"):
        raise Misconfigured(
            f"--target {url} and the variable {VARIABLE} ({known or 'empty'}) name two "
            "backends; unset the variable, or omit --target"
        )
    variables[VARIABLE] = url
