"""Options of the commands that run checks: `run` and `drill`."""

from pathlib import Path

import click

from harness.cli.options import DATABASE_VARIABLE

seed_option = click.option(
    "--seed", type=int, default=None, help="Drives every generator (default: random)."
)

out_option = click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=None,
    help="Where results.json, junit.xml and logs go "
    "(default: a new folder in shakedown-report/, and shakedown-report/latest).",
)

allow_inconclusive_option = click.option(
    "--allow-inconclusive",
    metavar="PATTERN",
    multiple=True,
    help="A known gap: these checks may be inconclusive; repeat it or use commas. A target file "
    "says the same, with a reason, in [[allow_inconclusive]].",
)

baseline_option = click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=None,
    help="What is known: the results.json of an earlier run, or what `shakedown accept` wrote. Its "
    "findings and gaps do not count; new ones do.",
)

first_finding_option = click.option(
    "--first-finding",
    is_flag=True,
    help="End each check at its first finding: quicker, where only the verdicts matter.",
)

allow_faults_option = click.option(
    "--allow-faults",
    is_flag=True,
    help="Allow faults and load on a backend that runs elsewhere: only on the hosts that its "
    "target file lists under [chaos] allowed_hosts, and only the faults that it declares.",
)

database_url_option = click.option(
    "--database-url",
    metavar="URL",
    default=None,
    help="The database of a backend that runs elsewhere: adds the checks that only read it. Its "
    "role must be able to read everything and to change nothing. Every user of this machine can "
    f"read a command's arguments: put a URL with a password into {DATABASE_VARIABLE} instead.",
)

cleanup_option = click.option(
    "--cleanup",
    is_flag=True,
    help="Afterwards, remove what was made on a backend that runs elsewhere, as far as its API and "
    "the target file's [cleanup] allow.",
)
