"""What `shakedown explain` says of a check and of a rule, and the page of all rules."""

from harness.check import CheckSpec
from harness.findings.fired import Fired, fired, hand_made
from harness.findings.rule import Rule, Severity, rules
from harness.reports.explain import check_text, list_lines, rule_text
from harness.reports.rules_md import rules_as_markdown
from harness.target.capability import Capability

SEEN: Fired = {
    "thing.made": {"a.owner": ("bug-one", "bug-two")},
    "a.owner": {"a.owner": ("bug-three",)},
}
TESTS = {"thing.made": ("tests/test_thing.py",)}
SPEC = CheckSpec(
    id="a.owner",
    title="Things are made",
    checklist="Verify things",
    observes=7,
    needs=frozenset({Capability.SPAWN, Capability.KILL}),
    profile="full",
    deadline_s=90,
    description="Makes a thing and looks at it.",
)


def rule(sentence: str, *owners: str, severity: Severity = Severity.FORM) -> Rule:
    return Rule(
        sentence=sentence,
        severity=severity,
        why="The why.",
        fails="The way it fails.",
        fix="The way to fix it_.",
        owners=owners,
    )


RULES = {
    "thing.made": rule("A thing can be made.", "a.owner"),
    "a.owner": rule("Things are whole.", severity=Severity.TENANT_LEAK),
    "a.unseen": rule("Nobody broke this."),
}


def test_a_rule_says_what_holds_why_how_it_fails_how_to_mend_and_who_saw_it_broken() -> None:
    text = rule_text("thing.made", RULES["thing.made"], SEEN, TESTS)
    assert text.splitlines()[:2] == ["thing.made", "  A thing can be made."]
    for told in ("  severity  form", "The why.", "The way it fails.", "The way to fix it_."):
        assert told in text
    assert "  owners    a.owner; other checks need it to exist" in text
    assert "  seen on   bug-one, bug-two, by a.owner\n  tests     tests/test_thing.py" in text
    assert "no defect" in rule_text("a.unseen", RULES["a.unseen"], SEEN, TESTS)
    assert "owners" not in rule_text("a.unseen", RULES["a.unseen"], SEEN, TESTS)


def test_a_check_says_what_it_demands_needs_observes_owns_and_must_catch() -> None:
    text = check_text(SPEC, RULES, SEEN, ["bug-one", "bug-four"])
    for told in (
        "a.owner\n  Things are made\n",
        "  Makes a thing and looks at it.\n",
        "  checklist Verify things\n",
        "  needs     kill, spawn\n",
        "  observes  7 at least",
        "  deadline  90 s, in the profile full\n",
        "  owns      thing.made\n",
        "  defects   bug-one, bug-four\n",
        "    Things are whole.\n  severity  tenant leak\n",
        "find these rules broken:\n    thing.made",
    ):
        assert told in text


def test_a_check_without_a_rule_of_its_own_or_a_docstring_is_explained() -> None:
    spec = CheckSpec(
        id="own.a[x]",
        title="A holds",
        checklist="Own works",
        observes=1,
        needs=frozenset(),
        profile="quick",
        deadline_s=60,
    )
    text = check_text(spec, RULES, SEEN, [])
    assert text.splitlines()[:3] == ["own.a", "  A holds", ""]
    assert "nothing but HTTP" in text
    assert "severity" not in text


def test_every_rule_fits_eighty_columns_and_no_id_is_broken() -> None:
    for name, one in rules().items():
        text = rule_text(name, one, fired(), hand_made())
        assert all(len(line) <= 78 for line in text.splitlines()), name
        assert all(owner in text for owner in one.owners)


def test_a_list_has_each_name_alone_on_a_line_to_be_copied() -> None:
    lines = list(list_lines({"thing.made": "A thing can be made. " * 5}))
    assert lines[0] == "thing.made"
    assert all(line.startswith("  ") and len(line) <= 78 for line in lines[1:])


def test_the_page_has_every_rule_with_its_fields_the_worst_first() -> None:
    page = rules_as_markdown(RULES, SEEN, TESTS)
    assert page.index("## Tenant leak") < page.index("#### `a.owner`") < page.index("## Form")
    assert page.index("### a (form)") < page.index("#### `a.unseen`") < page.index("### thing")
    assert "- Why: The why.\n- How it fails: The way it fails.\n" in page
    assert "- How to fix it: The way to fix it\\_.\n" in page
    assert "- Owners: `a.owner`; " in page
    assert "by `a.owner`\n- Tests: `tests/test_thing.py`\n" in page
    assert "- Seen on: `bug-one`, `bug-two`, by `a.owner`\n" in page
    assert "- Seen on: no defect of the reference zoo so far" in page
