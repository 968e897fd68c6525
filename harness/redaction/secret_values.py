"""Whether what a target file reads from the environment is a secret, by its names and its form.

A secret is what a name says to be one, and every value that looks random. Words, numbers, hosts,
paths and URLs without credentials are none: to hide them would hide half of every report.
"""

import re
from collections.abc import Iterable, Iterator

from harness.redaction.secret_encodings import passwords_of

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SAYS_SECRET = re.compile(r"secret|token|passw|passphrase|credential|apikey|private", re.IGNORECASE)
_SECRET_WORDS = frozenset(
    {
        *(
            "auth",
            "cookie",
            "dsn",
            "jwt",
            "key",
            "keys",
            "pass",
            "pin",
            "pw",
            "pwd",
            "salt",
            "salts",
        ),
        *("session", "signature"),
    }
)
_ABOUT_A_SECRET = frozenset(
    {
        *(
            "alg",
            "algorithm",
            "aud",
            "audience",
            "dir",
            "enabled",
            "expiry",
            "file",
            "header",
            "host",
        ),
        *(
            "id",
            "ids",
            "iss",
            "issuer",
            "length",
            "lifetime",
            "mode",
            "name",
            "names",
            "path",
            "port",
        ),
        *("prefix", "role", "s", "seconds", "timeout", "ttl", "type", "version"),
    }
)
"""As the last word of a name: `JWT_AUDIENCE` and `SALT_KEY_ID` are no secrets themselves."""

_PLAIN = re.compile(r"[-+]?\d{1,12}(?:\.\d+)?|true|false|yes|no|on|off|none|null", re.IGNORECASE)
_RANDOM = 16
_ANY = 28
"""Letters in a row of which no word consists, with digits among them, and without."""


def secrets_in(value: str, names: Iterable[str]) -> Iterator[str]:
    """Give what of a value must be hidden; `names` are those of the variables that hold it."""
    yield from passwords_of(value)
    if _PLAIN.fullmatch(value):
        return
    if any(map(_names_secret, names)) or any(map(_looks_random, re.split(r"[^\w+=]", value))):
        yield value


def _names_secret(name: str) -> bool:
    words = [each.lower() for each in _WORD.findall(name)]
    if words and words[-1] in _ABOUT_A_SECRET:
        return False
    return bool(_SAYS_SECRET.search(name) or _SECRET_WORDS.intersection(words))


def _looks_random(piece: str) -> bool:
    letters = piece.replace("_", "")
    mixed = re.search(r"\d", letters) and re.search(r"[A-Za-z]", letters)
    return len(letters) >= (_RANDOM if mixed else _ANY)
