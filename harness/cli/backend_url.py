"""`--target URL`: a backend that runs already, named on the command line."""

import os
import re
from collections.abc import MutableMapping
from pathlib import Path

from harness.errors import Misconfigured
from harness.redaction.secret_encodings import passwords_of

VARIABLE = "BACKEND_URL"

_HOST = re.compile(
    r"(?!.*\.toml$)(localhost|\d+(\.\d+){3}|\[[0-9a-fA-F:.]+\]|([\w-]+\.)+[a-zA-Z]{2,}|[\w-]+(?=:\d))"
    r"(:\d+)?(/\S*)?"
)


def name_backend(url: str, environment: MutableMapping[str, str] | None = None) -> None:
    """Set the variable that names the backend, for this process and those that it starts.

    Raises `Misconfigured` where the URL is no address of a backend, where it holds a password,
    which everybody on a machine could read, and where the variable names another backend already.
    """
    from harness.target.values.pasted import url_problem  # `--help` does without it

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
    if problem := url_problem(url):
        raise Misconfigured(f"--target URL: {problem}")
    known = variables.get(VARIABLE)
    if known is not None and known.rstrip("/") != url.rstrip("/"):
        raise Misconfigured(
            f"--target {url} and the variable {VARIABLE} ({known or 'empty'}) name two "
            "backends; unset the variable, or omit --target"
        )
    variables[VARIABLE] = url


def refuse_bare_host(target: str) -> None:
    """Raise `Misconfigured` for the host of a backend where a file or a URL is expected."""
    if _HOST.fullmatch(target) and not Path(target).exists():
        raise Misconfigured(
            f"--target {target}: there is no such target file; for a backend that runs already "
            f"write its URL: --target http://{target} or https://{target}"
        )
