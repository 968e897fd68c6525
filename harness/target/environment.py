"""A backend that is named by environment variables alone, as its existing client names it."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.target.toml.lines import KeyPath

ONE_USER = ("BACKEND_URL", "JWT_TOKEN", "JOB_ID")
TWO_TENANTS = ("JWT_ORG_A", "JWT_ORG_B", "JOB_ID_ORG_A", "JOB_ID_ORG_B")

_FOLDER = Path(__file__).parent
VARIABLES: Mapping[KeyPath, str] = {
    ("api", "base_urls", 0): "BACKEND_URL",
    ("tokens", "given", "token"): "JWT_TOKEN",
    ("tokens", "given", "job"): "JOB_ID",
    ("tokens", "given", "org_a"): "JWT_ORG_A",
    ("tokens", "given", "org_b"): "JWT_ORG_B",
    ("tokens", "given", "job_org_a"): "JOB_ID_ORG_A",
    ("tokens", "given", "job_org_b"): "JOB_ID_ORG_B",
}
"""What the user has written where a bundled file reads it from the environment."""

ENVIRONMENT_TARGETS = (_FOLDER / "environment.toml", _FOLDER / "environment-tenants.toml")


def environment_target(environment: Mapping[str, str] | None = None) -> Path | None:
    """Give the bundled target file that reads the variables, None where none of them is there.

    One that is set, even empty, selects the backend of the environment: loading the
    file then refuses the others that are missing or empty, by name, instead of testing less.
    """
    there = os.environ if environment is None else environment
    alone, tenants = ENVIRONMENT_TARGETS
    if any(name in there for name in TWO_TENANTS):
        return tenants
    return alone if any(name in there for name in ONE_USER) else None


def name_of(file: Path | None, path: KeyPath) -> str:
    """Give the name under which the user knows a value: a variable's, or a key's of their file."""
    if file in ENVIRONMENT_TARGETS and path in VARIABLES:
        return VARIABLES[path]
    return ".".join(map(str, path))


def about_variables(problems: Iterable[tuple[KeyPath, str]]) -> str:
    """Say what is wrong with the variables, one a line: no file of the user is at fault."""
    lines = []
    for path, what in sorted(set(problems), key=lambda each: list(VARIABLES).index(each[0])):
        name = VARIABLES[path]
        lines.append(what if name in what else f"the variable {name}: {what}")
    return "\n".join(lines)
