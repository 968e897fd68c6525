"""The database of one system: its URLs for each role, and what it was cloned from."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from harness.redaction.secret_encodings import passwords_of


@dataclass(frozen=True, kw_only=True)
class DatabaseAccess:
    """The database of a system, as the backend and as the harness reach it."""

    url: str | None = field(default=None, repr=False)
    readonly_url: str | None = field(default=None, repr=False)
    control_url: str | None = field(default=None, repr=False)
    name: str | None = None
    template: str | None = None
    """The migrated database that siblings are cloned from."""
    version: str | None = None

    def passwords(self) -> frozenset[str]:
        """Give the passwords within the URLs."""
        urls = filter(None, (self.url, self.readonly_url, self.control_url))
        return frozenset(password for url in urls for password in passwords_of(url))


def with_database(url: str, name: str) -> str:
    """Give the DSN of another database on the same server."""
    return f"{url.rpartition('/')[0]}/{name}"


def parts_of(url: str | None) -> dict[str, str]:
    """Give where a database is as placeholders: host, port and name; none without a DSN."""
    if url is None:
        return {}
    parts = urlsplit(url)
    return {
        "database_host": parts.hostname or "",
        "database_port": str(parts.port),
        "database_name": parts.path.removeprefix("/"),
    }
