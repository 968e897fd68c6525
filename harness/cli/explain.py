"""`shakedown explain`: what a check demands, and what a rule means and how to fix it."""

import asyncio
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from harness.cli.options import refuse_missing
from harness.errors import Misconfigured
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.check import CheckSpec


@click.command(
    short_help="what a check demands, what a rule means and how to fix it",
    epilog="A pattern such as 'golden.*' lists what it matches; '*' lists everything.",
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Explain every check and every rule.")
@click.option(
    "--markdown",
    is_flag=True,
    help="With --all: the rules as one page, docs/rules.md.",
)
@click.option(
    "--checks",
    "folders",
    metavar="FOLDER",
    multiple=True,
    help="Look also at the checks of your own in this folder; may be repeated.",
)
def explain(
    ids: tuple[str, ...], *, everything: bool, markdown: bool, folders: tuple[str, ...]
) -> int:
    """Explain checks and rules by the ID that a report names.

    Of a rule: what holds, how bad it is to break it, why, how it fails and how to fix it. Of a
    check: what exactly it demands, what it needs, and which seeded bugs it must catch.
    """
    # Loaded here: `--help` does without them.
    from harness.findings.fired import fired, hand_made
    from harness.findings.rule import rules
    from harness.reports.rules_md import rules_as_markdown

    if markdown and (not everything or ids):
        raise Misconfigured("--markdown writes the page of all rules: use it with --all alone")
    if bool(ids) == everything:
        raise Misconfigured("give ids of checks or rules, or --all, and not both")
    refuse_missing(folders)
    if markdown:
        click.echo(rules_as_markdown(rules(), fired(), hand_made()), nl=False)
        return ExitCode.PASS
    specs = _specs(folders)
    names = sorted({*specs, *rules()})
    chosen = names if everything else _chosen(ids, names)
    if not everything and any(set(each) & set("*?") for each in ids):
        _print_list(chosen, specs)
    else:
        _print_texts(chosen, specs)
    return ExitCode.PASS


def _specs(folders: Sequence[str]) -> "Mapping[str, CheckSpec]":
    from harness.check import plain_id
    from harness.plugin.session.listing import find_checks

    found = find_checks(folders, built_in=True).known.values()
    return {plain_id(spec.id): spec for spec in found}


def _chosen(ids: Sequence[str], names: Sequence[str]) -> list[str]:
    """Give the names that are meant. Raises `Misconfigured` for an id that means none."""
    from harness.check import matches_id, plain_id
    from harness.plugin.collecting.selection import nearest_ids

    chosen: dict[str, None] = {}
    for asked in ids:
        meant = [name for name in names if matches_id(name, (plain_id(asked),))]
        if not meant:
            near = nearest_ids(asked, names)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise Misconfigured(
                f"there is no check or rule {asked}{hint} (`shakedown explain '*'` lists them all)"
            )
        chosen.update(dict.fromkeys(meant))
    return list(chosen)


def _print_list(names: Sequence[str], specs: "Mapping[str, CheckSpec]") -> None:
    from harness.findings.rule import rules
    from harness.reports.explain import list_lines

    found = {name: specs[name].title if name in specs else rules()[name].sentence for name in names}
    for line in list_lines(found, _width()):
        click.echo(line)


def _print_texts(names: Sequence[str], specs: "Mapping[str, CheckSpec]") -> None:
    from harness.findings.fired import fired, hand_made
    from harness.findings.rule import rules
    from harness.reports.explain import check_text, rule_text

    expected = _expected() if set(names) & set(specs) else {}
    texts = [
        check_text(specs[name], rules(), fired(), expected.get(name, ()), _width())
        if name in specs
        else rule_text(name, rules()[name], fired(), hand_made(), _width())
        for name in names
    ]
    click.echo("\n\n".join(texts))


def _expected() -> Mapping[str, Sequence[str]]:
    """Give the defects of the reference zoo that each check must catch."""
    from harness.prove.zoo import read_zoo
    from harness.target import load_target

    target = load_target(None)
    assert target.zoo is not None
    command = target.expand_command(target.zoo.list_command)
    expected: dict[str, list[str]] = {}
    for defect in asyncio.run(read_zoo(command, target.directory)):
        for check in defect.expected:
            expected.setdefault(check, []).append(defect.id)
    return expected


def _width() -> int:
    """How wide the text may be: 78 columns, less on a narrower terminal."""
    from harness.reports.explain import WIDTH

    return min(WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else WIDTH
