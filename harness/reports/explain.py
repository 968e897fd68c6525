"""What `shakedown explain` says of a check or a rule, as plain text."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from harness.check import CheckSpec, plain_id
from harness.findings.fired import Fired, HandMade, rules_seen_by
from harness.findings.rule import Rule
from harness.reports.describe import description_lines

WIDTH = 78
_LABEL = 10
_INDENT = "  "

NEVER_SEEN = "no defect of the reference zoo so far"
"""Of a rule that no defect was measured to break."""

NEEDED = (
    "other checks need it to exist: where one of these finds it broken, those are blocked by that "
    "and do not fail"
)
"""What it means that a rule has owners."""

EXPLAINS = "where both are broken, this one is reported first"
"""What it means that a rule explains others."""


def rule_text(
    rule_id: str, rule: Rule, seen: Fired, hand_made: HandMade, width: int = WIDTH
) -> str:
    """Explain a rule that is not a check's own."""
    lines = [rule_id, *_wrapped(rule.sentence, width), ""]
    lines += _about(rule, width)
    lines += _seen(seen.get(rule_id, {}), hand_made.get(rule_id, ()), width)
    return "\n".join(lines)


def check_text(
    spec: CheckSpec,
    rules: Mapping[str, Rule],
    seen: Fired,
    expected: Sequence[str],
    width: int = WIDTH,
) -> str:
    """Explain a check; `expected` are the defects of the reference zoo that it must catch."""
    plain = plain_id(spec.id)
    lines = [plain, *_wrapped(spec.title, width), ""]
    if spec.description:
        lines += [*description_lines(spec.description, _INDENT, width), ""]
    lines += _part("checklist", spec.checklist, width)
    lines += _part("needs", ", ".join(sorted(spec.needs)) or "nothing but HTTP", width)
    least = f"{spec.observes} at least; with fewer the check is inconclusive"
    lines += _part("observes", least, width)
    lines += _part("deadline", f"{spec.deadline_s:g} s, in the profile {spec.profile}", width)
    owned = [name for name, rule in rules.items() if plain in rule.owners]
    lines += _part("owns", ", ".join(owned), width)
    lines += _part("defects", ", ".join(expected) or NEVER_SEEN, width)
    lines += _own_rule(plain, rules, width)
    others = {rule: ids for rule, ids in rules_seen_by(plain, seen).items() if rule != plain}
    if others:
        lines += ["", f"{_INDENT}It was also seen to find these rules broken:"]
        lines += [line for rule in others for line in _wrapped(rule, width, 2)]
    return "\n".join(lines)


def _own_rule(check_id: str, rules: Mapping[str, Rule], width: int) -> list[str]:
    rule = rules.get(check_id)
    if rule is None:
        return []
    what = "What it finds, where it names no other rule, breaks the rule of its own id:"
    return ["", *_wrapped(what, width), *_wrapped(rule.sentence, width, 2), *_about(rule, width)]


def _about(rule: Rule, width: int) -> list[str]:
    lines = _part("severity", rule.severity, width)
    lines += _part("why", rule.why, width)
    lines += _part("fails", rule.fails, width)
    lines += _part("fix", rule.fix, width)
    if rule.explains:
        lines += _part("explains", f"{', '.join(rule.explains)}; {EXPLAINS}", width)
    if rule.owners:
        lines += _part("owners", f"{', '.join(rule.owners)}; {NEEDED}", width)
    return lines


def _seen(
    checks: Mapping[str, Sequence[str]], hand_made: Sequence[str], width: int
) -> Iterator[str]:
    if not checks:
        yield from _part("seen on", NEVER_SEEN, width)
    for number, (check, defects) in enumerate(checks.items()):
        label = "" if number else "seen on"
        yield from _part(label, f"{', '.join(defects)}, by {check}", width)
    yield from _part("tests", ", ".join(hand_made), width)


def list_lines(found: Mapping[str, str], width: int = WIDTH) -> Iterator[str]:
    """Name checks and rules, each with what holds, where a pattern means several."""
    for name, what in found.items():
        yield name
        yield from _wrapped(what, width)


def _part(label: str, text: str, width: int) -> list[str]:
    if not text:
        return []
    first = f"{_INDENT}{label:<{_LABEL}}"
    return _wrap(text, width, first, " " * len(first))


def _wrapped(text: str, width: int, times: int = 1) -> list[str]:
    return _wrap(text, width, _INDENT * times, _INDENT * times)


def _wrap(text: str, width: int, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,  # ids stay whole, to be copied
    )
