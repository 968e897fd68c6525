"""A whole target: what its file says, and what follows from it."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import PrivateAttr, SecretStr

from harness.errors import Misconfigured
from harness.signing.signing_key import SigningKey
from harness.target.capability import Capability
from harness.target.contract.constants import AddedParts
from harness.target.launch_values import texts_of, values_of
from harness.target.offered_capabilities import capabilities_of
from harness.target.origin import Origin
from harness.target.tables.catalog import RoleName, TableName
from harness.target.tables.ledger import CONTRACT_CHAIN, ChainShape
from harness.target.tables.models import Database
from harness.target.target_file import TargetFile
from harness.target.target_secrets import secrets_of
from harness.target.tokens.minted_tokens import KEY_PLACEHOLDERS
from harness.target.values.hosts import canonical_host, host_of_url
from harness.target.values.template import fill, placeholders


class Target(TargetFile):
    """One backend, described well enough to be started and tested."""

    _origin: Origin = PrivateAttr(default=Origin())
    _key_of_run: SigningKey | None = PrivateAttr(default=None)

    @property
    def origin(self) -> Origin:
        """Where it was loaded from, and which permission the command line gave."""
        return self._origin

    @property
    def file(self) -> Path | None:
        """The file it was loaded from; None for the bundled one."""
        return self._origin.file

    @property
    def sha256(self) -> str:
        """The digest of the bytes that the file had when it was loaded."""
        return self._origin.sha256

    @property
    def allow_faults(self) -> bool:
        """Whether `--allow-faults` was given: the backend may be harmed."""
        return self._origin.allow_faults

    def loaded_from(self, origin: Origin) -> Self:
        """Give the same target, remembering where it is from."""
        copy = self.model_copy()
        copy._origin = origin  # noqa: SLF001 - our own copy
        return copy

    def reading(self, url: str) -> Self:
        """Give the same target, with a database that can be read at this DSN.

        Raises `Misconfigured` where the target says itself which database there is, and it is
        another one.
        """
        if self.database.url is not None and self.database.url.get_secret_value() == url:
            return self  # the file reads it from the variable itself
        if self.driver != "external" or self.database.source != "none":
            theirs = (
                f'[database] source = "{self.database.source}"'
                if self.database.source != "none"
                else f'driver = "{self.driver}"'
            )
            raise Misconfigured(
                "--database-url, or SHAKEDOWN_DATABASE_URL, is for a backend that runs elsewhere "
                f"and whose target file names no database; {self.name!r} has {theirs}: leave the "
                "option out, and unset the variable"
            )
        database = Database(source="external", url=SecretStr(url))
        copy = self.model_copy(update={"database": database})
        copy.__dict__.pop("secrets", None)  # what was cached without the password
        return copy

    @property
    def signing_key(self) -> SigningKey | None:
        """The key pair that tokens are signed with: that of the file, else that of the run.

        None where tokens are not minted or are signed with a secret, and before the run has one.
        """
        mint = self.tokens.mint
        return self._key_of_run or (mint.given_key if mint else None)

    def signing_with(self, key: SigningKey) -> Self:
        """Give the same target, whose tokens are signed with the key pair of the run."""
        copy = self.model_copy()
        copy._key_of_run = key  # noqa: SLF001 - our own copy
        copy.__dict__.pop("secrets", None)  # what was cached without the private key
        return copy

    @property
    def hands_out_keys(self) -> bool:
        """Whether the harness starts the backend, and gives it what its tokens are checked with."""
        return any(map(self.hands_out, ("jwt_secret", *KEY_PLACEHOLDERS)))

    @cached_property
    def values(self) -> Mapping[str, str]:
        """The placeholders that mean the same everywhere in this target, secrets included."""
        return values_of(self)

    def expand_command(
        self, command: tuple[str, ...], values: Mapping[str, str] | None = None
    ) -> tuple[str, ...]:
        """Fill in a command's placeholders: this target's own and the given ones."""
        known = {**self.values, **(values or {})}
        return tuple(fill(word, known) for word in command)

    def expand_environment(
        self, environment: Mapping[str, str], values: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Fill in the placeholders of the common environment and of this one on top of it."""
        known = {**self.values, **(values or {})}
        merged = {**self.environment, **environment}
        return {name: fill(text, known) for name, text in merged.items()}

    @property
    def tenant_tables(self) -> Mapping[TableName, str]:
        """The tables of tenants' data, by what they hold; without those it does not have."""
        names: dict[TableName, str] = {
            "jobs": "jobs",
            "evidence": "evidence",
            "exports": self.claim.table if self.claim else "exports",
            "ledger": self.ledger.table if self.ledger else "audit_logs",
        }
        return {name: own for name, own in {**names, **self.catalog.tables}.items() if own}

    @property
    def database_roles(self) -> Mapping[RoleName, str]:
        """The contract's roles as the database calls them; without those it does not have."""
        own = dict(self.catalog.own_roles)
        if self.claim and "service_role" not in self.catalog.roles:
            own["service_role"] = self.claim.role
        return {name: role for name, role in own.items() if role}

    @property
    def chain(self) -> ChainShape:
        """How the events of an organization's ledger follow one another."""
        return self.ledger.chain if self.ledger else CONTRACT_CHAIN

    @cached_property
    def secrets(self) -> frozenset[str]:
        """Everything in this target that must not reach a message, a log or a report."""
        found = secrets_of(self)
        return (found | {self._key_of_run.private_pem}) if self._key_of_run else found

    def added_to_probes(self, role: Literal["api", "worker"]) -> AddedParts:
        """The constants of a request to the ready path; the API's is the operation `ready`."""
        return self.contract.added("ready" if role == "api" else "")

    def mentions(self, name: str) -> bool:
        """Say whether a placeholder is filled in anywhere when something is started."""
        return any(name in placeholders(text) for _, text in texts_of(self))

    @property
    def has_own_server(self) -> bool:
        """Whether the harness starts the database server itself."""
        return self.driver != "external" and self.database.source in {"embedded", "docker"}

    def hands_out(self, secret: str) -> bool:
        """Say whether the harness starts the backend, and gives it this secret (a placeholder)."""
        return self.driver != "external" and self.mentions(secret)

    @property
    def is_cloned(self) -> bool:
        """Whether another system of this target has data of its own, and shares none.

        A backend whose database only it reads (source `none`) keeps it in the
        directory that it is given.
        """
        source = self.database.source
        own = source in {"embedded", "docker"} or (
            source == "none" and self.mentions("storage_dir")
        )
        return own and self.driver != "external"

    @property
    def may_be_harmed(self) -> bool:
        """Whether file and command line both permit harm to the whole API of this backend.

        `capabilities` uses it. The guard (`harness.guard`) looks again before each act.
        """
        listed = {canonical_host(host) for host in self.chaos.allowed_hosts}
        return self.allow_faults and set(self.loaded_hosts) <= listed

    @property
    def loaded_hosts(self) -> tuple[str, ...]:
        """The hosts that users under load ask, canonical: of the API, and of redirects."""
        redirects = self.contract.redirects
        hosts = [host_of_url(url) for url in self.api.base_urls]
        hosts += map(canonical_host, redirects.hosts if redirects else ())
        return tuple(dict.fromkeys(hosts))

    def capabilities(self) -> frozenset[Capability]:
        """Give what checks may ask of this target."""
        return capabilities_of(self, may_be_harmed=self.may_be_harmed)
