"""Tokens that a command of the team prints: `[tokens.command]`."""

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.client.tenants.provisioning import MOST_CHARACTERS
from harness.errors import Misconfigured
from harness.machine.commands import run_command
from harness.target.tokens.token_command import CommandTokens
from harness.target.values.pasted import token_problem
from harness.target.values.template import fill

_SHOWN = 600
"""Characters of what it says on standard error."""


@dataclass(frozen=True, kw_only=True)
class TokenCommand:
    """Runs the command; `learn` gets each token, so that reports can hide it."""

    tokens: CommandTokens
    learn: Callable[[Iterable[str]], None]

    async def token(self, user: str, organization: str, role: str) -> str:
        """Give the token that the command prints.

        Raises `Misconfigured` where it fails, prints nothing or what is no token. What it printed
        is never shown, what it said on standard error is.
        """
        known = {
            "user": user,
            "organization": organization,
            "role": self.tokens.role_names.get(role, role),
            "python": sys.executable,
        }
        argv = [fill(word, known) for word in self.tokens.command]
        own = {name: fill(text, known) for name, text in self.tokens.environment.items()}
        done = await run_command(
            argv,
            timeout_s=self.tokens.timeout_s,
            environment={**os.environ, **own},
            errors_apart=True,
        )
        # Its words may hold a secret, too: only the program is named.
        what = f"[tokens.command] {self.tokens.command[0]} (a token of the {role})"
        said = (
            f"; on standard error: {done.errors.strip()[-_SHOWN:]}" if done.errors.strip() else ""
        )
        if not done.is_ok:
            how = done.why or f"ended with {done.exit_code}"
            raise Misconfigured(f"{what}: expected it to end with 0, but it {how}{said}")
        token = done.output.strip("\r\n")
        if not token:
            raise Misconfigured(f"{what}: expected a token on standard output, got nothing{said}")
        self.learn([token])
        if len(token) > MOST_CHARACTERS:
            raise Misconfigured(
                f"{what}: expected a token of at most {MOST_CHARACTERS} characters, got more"
            )
        if problem := token_problem(token):
            raise Misconfigured(f"{what}: {problem}")
        return token
