"""Contradictions of `[chaos]` and `[cleanup]`: a permission must be exact."""

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

from harness.target.tables.chaos import FaultCommands, Removable
from harness.target.target import Target
from harness.target.toml.lines import KeyPath
from harness.target.values.hosts import InvalidHost, canonical_host, host_of_url
from harness.target.values.template import SECRET_NAMES, placeholders
from harness.vocabulary.paths import ORGANIZATION_PARAMETER

Broken = Iterator[tuple[KeyPath, str]]

COMMAND_PLACEHOLDERS = frozenset({"instance", "role", "host", "python"})
_KNOWN: Mapping[Removable, tuple[str, ...]] = {
    "job": ("job_id", ORGANIZATION_PARAMETER),
    "evidence": ("evidence_id", "job_id", ORGANIZATION_PARAMETER),
    "export": ("export_id", "job_id", ORGANIZATION_PARAMETER),
    "organization": ("organization_id",),
}


def broken_chaos_rules(target: Target) -> Broken:
    """Find everything about faults and cleaning up that contradicts the rest, or is not exact."""
    if target.driver != "external":
        return  # `broken_rules` says that all of it is misplaced
    yield from _hosts(target)
    yield from _instances(target)
    for name, fault in target.chaos.faults.items():
        yield from _fault(target, name, fault)
    for kind, call in target.cleanup.items():
        if kind == "organization" and not target.tokens.makes_by_calls:
            yield ("cleanup", kind), "only an organization made by [tokens.calls] can be removed"
        for name in placeholders(call.path):
            if name not in _KNOWN[kind]:
                listed = " and ".join("{" + each + "}" for each in _KNOWN[kind])
                yield (
                    ("cleanup", kind, "path"),
                    f"unknown placeholder {{{name}}}; there is {listed}",
                )


def _hosts(target: Target) -> Broken:
    chaos, known = target.chaos, set[str]()
    hosts: list[tuple[KeyPath, str, Callable[[str], str]]] = [
        *(
            (("api", "base_urls", n), url, host_of_url)
            for n, url in enumerate(target.api.base_urls)
        ),
        *(
            (("chaos", "instances", n, "host"), instance.host, canonical_host)
            for n, instance in enumerate(chaos.instances)
        ),
    ]
    for path, text, canonical in hosts:
        try:
            known.add(canonical(text))
        except InvalidHost as problem:
            if path[0] == "chaos" or chaos.allowed_hosts:
                yield path, f"{problem}; [chaos] needs an exact host"
    for host in target.contract.redirects.hosts if target.contract.redirects else ():
        with contextlib.suppress(InvalidHost):  # reported at its own place
            known.add(canonical_host(host))
    for number, host in enumerate(chaos.allowed_hosts):
        path = ("chaos", "allowed_hosts", number)
        try:
            if canonical_host(host) not in known:
                listed = ", ".join(sorted(known)) or "none"
                where = "api.base_urls, [[chaos.instances]] or [contract.redirects]"
                what = f'"{host}" is no host of {where} ({listed})'
                yield path, what
        except InvalidHost as problem:
            yield path, str(problem)


def _instances(target: Target) -> Broken:
    counted = Counter(instance.name for instance in target.chaos.instances)
    for number, instance in enumerate(target.chaos.instances):
        if counted[instance.name] > 1:
            yield ("chaos", "instances", number, "name"), f'"{instance.name}" is there twice'


def _fault(target: Target, name: str, fault: FaultCommands) -> Broken:
    path: KeyPath = ("chaos", "faults", name)
    chaos = target.chaos
    declared = sum(instance.role == fault.role for instance in chaos.instances)
    if not declared:
        yield (*path, "role"), f'no [[chaos.instances]] has the role "{fault.role}"'
    elif not chaos.at_most(fault.role):
        what = f"max_share = {chaos.max_share:g} of {declared} instances is less than one"
        yield (*path, "role"), f"{what}: none may be harmed"
    for key, command in (("inject", fault.inject), ("undo", fault.undo), ("proof", fault.proof)):
        for number, word in enumerate(command or ()):
            yield from _word((*path, key), word, COMMAND_PLACEHOLDERS, is_program=number == 0)


def _word(path: KeyPath, word: str, known: Collection[str], *, is_program: bool) -> Broken:
    for name in placeholders(word):
        if name in SECRET_NAMES:
            yield path, f"{{{name}}} is secret, and a process's arguments are not"
        elif name not in known:
            listed = ", ".join("{" + each + "}" for each in sorted(known))
            yield path, f"unknown placeholder {{{name}}}; expected one of {listed}"
        elif is_program and name != "python":
            yield path, f"expected the program itself, got {{{name}}}: write it out"
    if "\0" in word:
        yield path, "holds a NUL character"
