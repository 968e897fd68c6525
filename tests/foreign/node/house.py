"""People of a tenant, who speak to the case files in their dialect."""

import asyncio
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import pytest

from harness.client.tokens.tokens import TokenRecipe, claims_of
from harness.system import System

PACKAGE_DEADLINE_S = 30
PDF = b"%PDF-1.7\n% a document of a case\n%%EOF\n"


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody of a tenant, at one instance."""

    http: httpx.AsyncClient
    tenant: str

    async def open_case(self, name: str = "A case") -> str:
        answer = await self.http.post("/v2/cases", json={"name": name})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["result"]["id"])

    async def file(
        self,
        case: str,
        content: bytes = PDF,
        *,
        key: str | None = None,
        type: str = "application/pdf",  # noqa: A002 - as the dialect calls it
        name: str = "statement.pdf",
        **form: str,
    ) -> httpx.Response:
        return await self.http.post(
            f"/v2/cases/{case}/documents",
            headers={"X-Request-Key": key or str(uuid.uuid4())},
            files={"document": (name, content, type)},
            data=form,
        )

    async def request(self, case: str, kind: str = "bundle") -> dict[str, Any]:
        answer = await self.http.post(f"/v2/cases/{case}/packages", json={"kind": kind})
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["result"])

    async def package(self, package: str) -> dict[str, Any]:
        answer = await self.http.get(f"/v2/packages/{package}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["result"])

    async def until(self, package: str, state: str) -> dict[str, Any]:
        """Poll a package until it is in a state; a deadline says what it was in instead."""
        shown = await self.package(package)
        try:
            async with asyncio.timeout(PACKAGE_DEADLINE_S):
                while shown["state"] != state:
                    await asyncio.sleep(0.1)
                    shown = await self.package(package)
        except TimeoutError:
            pytest.fail(f"package {package} is {shown['state']}, not {state}: {shown['failure']}")
        return shown


@dataclass(frozen=True, kw_only=True)
class House:
    """Everybody who may ask a system, in the dialect of the case files."""

    system: System
    recipe: TokenRecipe
    clients: AsyncExitStack

    def member(
        self,
        tenant: str | None = None,
        *,
        scope: str = "editor",
        instance: int = 0,
        claims: dict[str, Any] | None = None,
    ) -> Member:
        """Somebody of a tenant (a new one unless named), whose token has `claims` besides."""
        tenant = tenant or str(uuid.uuid4())
        user = str(uuid.uuid4())
        every = claims_of(self.recipe, user=user, organization=tenant, role=scope, changes=claims)
        token = jwt.encode(every, self.recipe.secret, algorithm=self.recipe.algorithm)
        http = httpx.AsyncClient(
            base_url=str(self.system.api[instance].base_url),
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        self.clients.push_async_callback(http.aclose)
        return Member(http=http, tenant=tenant)
