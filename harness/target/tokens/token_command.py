"""Tokens that a command prints: `[tokens.command]`."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from harness.target.tables.models import Command, Environment, Seconds, Table
from harness.target.toml.lines import KeyPath
from harness.target.values.template import placeholders, unknown_placeholder

KNOWN = frozenset({"user", "organization", "role", "python"})
"""The placeholders of the command and its environment."""


class CommandTokens(Table):
    """A command that prints a token of a user, and is called again before that runs out."""

    command: Command
    """Knows `{user}`, `{organization}`, `{role}` and `{python}`; read by no shell."""
    environment: Environment = Field(default={})
    """Added to ours; it knows the same."""
    timeout_s: Annotated[Seconds, Field(le=120)] = 10
    renew_before_s: Seconds = 60
    """How long before the `exp` of a token the command is called again."""
    role_names: Mapping[str, str] = {}
    """What `{role}` is, by the contract's name, where it is called differently."""

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every text in which something is filled in, with the variable that it becomes."""
        yield from self.environment.items()
        yield from (("", word) for word in self.command)


def broken_command_rules(tokens: CommandTokens | None) -> Iterator[tuple[KeyPath, str]]:
    """Find placeholders that the command does not know."""
    if tokens is None:
        return
    table: KeyPath = ("tokens", "command")
    for word in tokens.command:
        for name in set(placeholders(word)) - KNOWN:
            yield (*table, "command"), unknown_placeholder(name, KNOWN)
    for variable, text in tokens.environment.items():
        for name in set(placeholders(text)) - KNOWN:
            yield (*table, "environment", variable), unknown_placeholder(name, KNOWN)
