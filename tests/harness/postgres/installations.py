"""PostgreSQL installed on this machine, for tests that need one: CI says that there must be."""

import os

import pytest

from harness.postgres.installed import Installation, installations


def installed() -> list[Installation]:
    """The oldest and the newest release that is installed; none where there is none."""
    found = {each.major: each for each in installations()}
    return [found[major] for major in sorted({min(found), max(found)})] if found else []


def require_installed() -> Installation:
    """Give one; skip without, unless TESTS_NEED says that this machine has one."""
    found = installed()
    if not found:
        missing = "no PostgreSQL 15 to 18 is installed on this machine"
        if "installed-postgres" in os.environ.get("TESTS_NEED", "").split():
            pytest.fail(f"TESTS_NEED: {missing}")
        pytest.skip(missing)
    return found[0]
