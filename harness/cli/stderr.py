"""Lines on standard error, without what would act on a terminal."""

import click

from harness.untrusted.sanitizing import sanitize


def say(text: str) -> None:
    """Print a text there."""
    click.echo(sanitize(text), err=True)
