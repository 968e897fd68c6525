"""The key set of a run: one key pair that all its processes sign with, and how backends get it."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from harness.errors import Misconfigured
from harness.instances.plan import KeySet
from harness.signing.signing_key import SigningKey
from harness.target.target import Target

_PRIVATE = "token-key.pem"
_FOLDER = "token-keys"
JWKS_FILE = "jwks.json"


@dataclass(frozen=True, kw_only=True)
class TokenKeys:
    """A key pair in the run's own directory: removed with that, after a `kill -9` by recovery."""

    key: SigningKey = field(repr=False)
    folder: Path
    """Has only what any program may read."""

    @classmethod
    def of(cls, target: Target, run_dir: Path) -> Self | None:
        """Make the run's key pair, or take the target file's; None where tokens have none.

        Called once a run, before anything is started.
        """
        mint = target.tokens.mint
        if mint is None or mint.is_symmetric:
            return None
        key = target.signing_key or SigningKey.made(mint.algorithm)
        # A backend of ours gets its keys from us: whichever name they have there is right.
        key = key if key.key_id else key.named(mint.kid)
        if mint.makes_keys:
            key = key.named(mint.kid)
            _write(run_dir / _PRIVATE, key.private_pem, 0o600)
        folder = run_dir / _FOLDER
        folder.mkdir()
        folder.chmod(0o755)
        _write(folder / JWKS_FILE, key.jwks, 0o644)
        return cls(key=key, folder=folder)

    def shown_at(self, url: str | None) -> KeySet:
        """Give what a backend gets of it; `url` is where it is served."""
        return KeySet(file=self.folder / JWKS_FILE, public_pem=self.key.public_pem, url=url)

    @classmethod
    def attach(cls, target: Target, run_dir: Path) -> Self | None:
        """Give the key pair in another process of the run; raises `Misconfigured` if it is gone."""
        mint = target.tokens.mint
        folder = run_dir / _FOLDER
        if mint is None or mint.is_symmetric or not folder.is_dir():
            return None
        key = target.signing_key
        if key is None:
            try:
                text = (run_dir / _PRIVATE).read_text(encoding="ascii")
            except OSError as error:
                raise Misconfigured(f"the run's key pair cannot be read: {error}") from error
            key = SigningKey.read(text, mint.algorithm)
        return cls(key=key if key.key_id else key.named(mint.kid), folder=folder)


def _write(path: Path, text: str, mode: int) -> None:
    made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(made, "w", encoding="ascii") as file:  # noqa: PTH123 - a descriptor
        file.write(text)
    path.chmod(mode)  # whatever our umask is
