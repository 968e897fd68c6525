"""The rules of `rules.toml` are those that the code names, and the ids of the checks."""

import ast
import functools
import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from harness.findings.rule import Rule, rules

ROOT = Path(__file__).parents[3]
JUDGES = ("harness", "contracts", "chaos", "load")
"""What can raise a finding."""

OF_VIOLATIONS = {"Violation", "example", "entry_example", "Example", "cover"}
"""Calls whose `rule` is not a rule of the contract, but a short name of a kind of violation."""

SENTENCE = re.compile(r"([A-Z0-9]|[a-z]+[A-Z_.]).*[.?]")
"""Begins with a capital letter, or with a name such as `getJob` or `ledger.json`."""

LONGEST_SENTENCE = 120
"""The summary of a run shows it in one line."""


class Module:
    """A file of code, and the rules that it names."""

    def __init__(self, path: Path) -> None:
        self.path = path.relative_to(ROOT)
        self.nodes = tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        self.calls = [node for node in self.nodes if isinstance(node, ast.Call)]

    def constants(self) -> Iterator[str]:
        for node in self.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value

    def checks(self) -> Iterator[str]:
        for call in self.calls:
            if isinstance(call.func, ast.Name) and call.func.id == "check":
                yield from self._strings(call.args[0])

    def named_rules(self) -> Iterator[str]:
        """Every value that an argument `rule=` or `precondition(…)` can be seen to have."""
        for call in self.calls:
            name = _last_name(call.func)
            if name in OF_VIOLATIONS:
                continue
            given = [each.value for each in call.keywords if each.arg == "rule"]
            given += call.args[:1] if name == "precondition" else []
            for value in given:
                yield from self._strings(value)

    def _strings(self, value: ast.expr, inside: frozenset[str] = frozenset()) -> Iterator[str]:
        """The texts that an expression can be, as far as the file says it."""
        match value:
            case ast.Constant(value=str(text)):
                yield text
            case ast.IfExp(body=body, orelse=other):
                yield from self._strings(body, inside)
                yield from self._strings(other, inside)
            case ast.BoolOp(values=values) | ast.Tuple(elts=values):
                for each in values:
                    yield from self._strings(each, inside)
            case ast.Subscript(value=table):
                yield from self._strings(table, inside)
            case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[_, *default]):
                for each in (table, *default):
                    yield from self._strings(each, inside)
            case ast.Name(id=name) if name not in inside:
                yield from self._of_name(name, inside | {name})

    def _of_name(self, name: str, inside: frozenset[str]) -> Iterator[str]:
        known = getattr(self._imported(), name, None)
        if isinstance(known, str):
            yield known
        elif isinstance(known, Mapping):
            yield from (each for each in known.values() if isinstance(each, str))
        else:  # a local name: whatever any function of the file assigns to it
            for node in self.nodes:
                if isinstance(node, ast.Assign):
                    for target in node.targets:
                        yield from self._assigned(name, target, node.value, inside)

    def _assigned(
        self, name: str, target: ast.expr, value: ast.expr, inside: frozenset[str]
    ) -> Iterator[str]:
        match target, value:
            case ast.Name(id=assigned), _ if assigned == name:
                yield from self._strings(value, inside)
            case ast.Tuple(elts=targets), ast.Tuple(elts=values):
                for one, other in zip(targets, values, strict=True):
                    yield from self._assigned(name, one, other, inside)

    def _imported(self) -> ModuleType:
        return importlib.import_module(".".join(self.path.with_suffix("").parts))


def _last_name(function: ast.expr) -> str:
    """Give `c` of `a.b.c` and of `c`."""
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


@functools.cache
def modules() -> tuple[Module, ...]:
    """Read all files, when a test asks: every process that collects the tests imports this file."""
    return tuple(
        Module(path)
        for package in JUDGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "explore" not in path.parts  # it has rules of a protocol, not of a backend
    )


@functools.cache
def named_rules() -> frozenset[tuple[str, str]]:
    """Give each file with each rule that it names."""
    return frozenset((str(each.path), name) for each in modules() for name in each.named_rules())


@functools.cache
def checks() -> frozenset[str]:
    return frozenset(check for module in modules() for check in module.checks())


def test_every_rule_that_code_names_is_listed() -> None:
    named = named_rules()
    assert sorted((path, name) for path, name in named if name and name not in rules()) == []


def test_names_are_found_however_they_are_written() -> None:
    """The test above would pass if it saw nothing."""
    seen = {name for _, name in named_rules()}
    assert {
        "answer.json",  # a literal
        "header.location",  # a constant
        "verify.manifest",  # a table
        "ledger.event-once",  # one of two
        "job.created",  # a precondition
    } <= seen
    assert len(checks()) > 50


def test_every_check_is_a_rule() -> None:
    assert sorted(checks() - set(rules())) == []


def test_every_rule_is_a_check_or_is_named_in_code() -> None:
    named = {text for module in modules() for text in module.constants()}
    assert sorted(set(rules()) - named) == []


def test_what_a_rule_explains_is_a_rule() -> None:
    explained = {each for rule in rules().values() for each in rule.explains}
    assert explained
    assert sorted(explained - set(rules())) == []


def test_owners_are_checks() -> None:
    owners = {owner for rule in rules().values() for owner in rule.owners}
    assert sorted(owners - checks()) == []


def test_an_entry_is_a_sentence_in_every_field() -> None:
    assert [problem for name, rule in rules().items() for problem in _problems(name, rule)] == []


def _problems(name: str, rule: Rule) -> Iterator[str]:
    if not re.fullmatch(r"[a-z0-9-]+\.[a-z0-9-]+", name):
        yield f"{name}: no id"
    if len(rule.sentence) > LONGEST_SENTENCE:
        yield f"{name}: its sentence has {len(rule.sentence)} characters"
    for text in (rule.sentence, rule.why, rule.fails, rule.fix):
        if not SENTENCE.fullmatch(text):
            yield f"{name}: no sentence: {text}"
        if "answer below" in text:
            yield f"{name}: where it is explained nothing stands below: {text}"


def test_sentences_are_told_apart() -> None:
    sentences = [rule.sentence for rule in rules().values()]
    assert sorted(each for each in set(sentences) if sentences.count(each) > 1) == []
