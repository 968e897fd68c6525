"""What was seen to break each rule: defects of the zoo, and tests; measured, never typed."""

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

FIRED_FILE = Path(__file__).with_name("fired.toml")

HAND_MADE_FILE = Path(__file__).with_name("hand_made.toml")

Fired = Mapping[str, Mapping[str, tuple[str, ...]]]
"""By rule and check: the defects of the reference zoo on which the check found the rule broken."""

HandMade = Mapping[str, tuple[str, ...]]
"""By rule: the files of tests whose hand-made answers were found to break it."""

_HAND_MADE_HEADING = """\
# In which tests hand-made answers were found to break which rule. Measured, never typed:
# pytest -p tests.hand_made tests/contracts tests/harness tests/chaos tests/load
"""

_HEADING = """\
# Which check found which rule broken, on which defects of the zoo: [rule] check = [defects].
# Measured, never typed: after `shakedown prove` run `python -m harness.prove.fired`.
"""


@cache
def fired() -> Fired:
    """Give what was measured."""
    return parse_fired(FIRED_FILE.read_text(encoding="utf-8"))


def parse_fired(text: str) -> Fired:
    """Read the file's text."""
    return TypeAdapter(dict[str, dict[str, tuple[str, ...]]]).validate_python(tomllib.loads(text))


def fired_as_toml(seen: Fired) -> str:
    """Write it as the file's text, sorted: two measurements differ only in what they saw."""
    lines = [_HEADING.rstrip("\n")]
    for rule in sorted(seen):
        lines += ["", f"[{json.dumps(rule)}]"]
        for check, defects in sorted(seen[rule].items()):
            lines += [f"{json.dumps(check)} = {json.dumps(sorted(defects))}"]
    return "\n".join(lines) + "\n"


@cache
def hand_made() -> HandMade:
    """Give what the tests were seen to break."""
    return parse_hand_made(HAND_MADE_FILE.read_text(encoding="utf-8"))


def parse_hand_made(text: str) -> HandMade:
    """Read that file's text."""
    return TypeAdapter(dict[str, tuple[str, ...]]).validate_python(tomllib.loads(text))


def hand_made_as_toml(seen: HandMade) -> str:
    """Write it as that file's text, sorted."""
    lines = [f"{json.dumps(rule)} = {json.dumps(sorted(seen[rule]))}" for rule in sorted(seen)]
    return "\n".join([_HAND_MADE_HEADING, *lines]) + "\n"


def rules_seen_by(check_id: str, seen: Fired) -> Mapping[str, tuple[str, ...]]:
    """Give the rules that a check was seen to judge, each with the defects that broke it."""
    return {rule: checks[check_id] for rule, checks in seen.items() if check_id in checks}
