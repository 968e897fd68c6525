"""What was seen to break each rule: measured by `shakedown prove`, never typed."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

FIRED_FILE = Path(__file__).with_name("fired.toml")

Fired = Mapping[str, Mapping[str, tuple[str, ...]]]
"""By rule and check: the defects of the reference zoo on which the check found the rule broken."""

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


def rules_seen_by(check_id: str, seen: Fired) -> Mapping[str, tuple[str, ...]]:
    """Give the rules that a check was seen to judge, each with the defects that broke it."""
    return {rule: checks[check_id] for rule, checks in seen.items() if check_id in checks}


def defects_of(rule_id: str, seen: Fired) -> tuple[str, ...]:
    """Give the defects that were seen to break a rule, each once, sorted."""
    return _sorted_once(seen.get(rule_id, {}).values())


def _sorted_once(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted({one for each in lists for one in each}))
