"""A backend that is named by environment variables alone, as its existing client names it."""

import os
from collections.abc import Mapping
from pathlib import Path

ONE_USER = ("BACKEND_URL", "JWT_TOKEN", "JOB_ID")
TWO_TENANTS = ("JWT_ORG_A", "JWT_ORG_B", "JOB_ID_ORG_A", "JOB_ID_ORG_B")

_FOLDER = Path(__file__).parent
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
