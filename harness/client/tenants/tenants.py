"""Entering tenants where the backend looks them up: `[tokens.tenants]`."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.client.tenants.provisioning import ProvisionedOrganization, Provisioner
from harness.client.tenants.tenant_sql import TenantDatabase
from harness.errors import Misconfigured
from harness.target import Target


@dataclass(frozen=True, kw_only=True)
class TenantEntry:
    """Enters tenants by SQL or by calls; the tokens of their users come from elsewhere."""

    by: TenantDatabase | Provisioner
    role_names: Mapping[str, str]

    async def enter(
        self, name: str, organization: str, users: Mapping[str, str]
    ) -> ProvisionedOrganization:
        """Enter an organization and its users, and give what they are called from then on."""
        if isinstance(self.by, Provisioner):
            return await self.by.enter(name, organization, users, self.role_names)
        id_, entered = await self.by.enter(name, organization, users)
        return ProvisionedOrganization(id=id_, users=entered, tokens={}, made_with={})


def tenant_entry(
    target: Target, provisioner: Provisioner | None, control_url: str | None
) -> TenantEntry | None:
    """Give what enters tenants; None where tokens alone identify a user.

    Raises `Misconfigured` where SQL is to be run and there is no database to run it in.
    """
    tenants, tokens = target.tokens.tenants, target.tokens
    if tenants is None:
        return None
    of_tokens = tokens.mint or tokens.command
    role_names = {**(of_tokens.role_names if of_tokens else {}), **tenants.role_names}
    if provisioner is not None:
        return TenantEntry(by=provisioner, role_names=role_names)
    assert tenants.sql is not None
    if control_url is None:
        raise Misconfigured(
            "[tokens.tenants.sql] needs a database that the harness controls, and this system "
            "has none"
        )
    database = TenantDatabase(sql=tenants.sql, role_names=role_names, url=control_url)
    return TenantEntry(by=database, role_names=role_names)
