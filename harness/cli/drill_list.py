"""What `drill --list` shows, and what `drill all` says of the drills that it leaves out."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from harness.plugin.extent.offers import Offer

_MARKS = {"all": "✔", "part": "◐", "not at all": "✘"}


def print_plain(offers: "Sequence[Offer]") -> None:
    """Print a drill per line: id, title, profile, budget in seconds, whether it is offered."""
    for offer in offers:
        spec = offer.spec
        cells = (spec.id, spec.title, spec.profile, f"{spec.deadline_s:g}", _offered(offer))
        click.echo("\t".join([*cells, "; ".join(reasons(offer))]))


def print_list(console: "Console", offers: "Sequence[Offer]") -> None:
    """Print the drills for a person: below each that is not offered, why, and what to write."""
    from rich.padding import Padding
    from rich.text import Text

    from harness.reports.check_rows import CheckRows

    rows = CheckRows([offer.spec for offer in offers], console.width)
    for offer in offers:
        spec = offer.spec
        how = "not at all" if offer.lacks else offer.extent.how
        mark = Text(_MARKS[how], style="green" if how == "all" else "yellow")
        budget = f"{spec.deadline_s:g} s"
        console.print(rows.row(mark, Text(spec.id), spec.title, spec.profile, budget))
        for reason in reasons(offer):
            console.print(Padding(Text(reason, "yellow"), (0, 0, 0, 6)))
    offered = sum(offer.is_offered for offer in offers)
    seconds = sum(offer.extent.seconds for offer in offers if offer.is_offered)
    console.print(
        f"\n{offered} of {len(offers)} drills are offered; one after the other they take about "
        f"{seconds:g} s where a backend is as fast as the reference. The seconds of a line are "
        "the budget: a drill that needs more is inconclusive."
    )


def reasons(offer: "Offer") -> Iterator[str]:
    """Give a line for each thing that a drill lacks, with what to write."""
    lines: dict[str, list[str]] = {}
    for lack in offer.lacks:
        lines.setdefault(lack.line, []).append(lack.what)
    for line, lacking in lines.items():
        yield f"needs {', '.join(lacking)}: {line}"
    if not offer.lacks and not offer.extent.is_whole:
        yield offer.extent.describe()


def _offered(offer: "Offer") -> str:
    if not offer.is_offered:
        return "not offered"
    return "offered" if offer.extent.is_whole else "offered in part"
