"""Lists of a backend without pages are read whole: it is asked for no part of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from contracts.shared.tenants.operations import operations_of
from contracts.shared.tenants.populated_tenant import PopulatedTenant
from contracts.tenancy.requests.lists import ListOwner, ListReading, list_shapes, read_in_turn
from harness.client import Answer, Client, Sample
from harness.target.contract.without import Without
from harness.target.load import load_target
from tests.answers import answer

NOBODY = SimpleNamespace(org=SimpleNamespace(is_fresh=True), sample=Sample("a", "image/png", b"a"))
OWNER = ListOwner(tenant=cast("PopulatedTenant", NOBODY), created={}, events=0)


@dataclass(frozen=True, kw_only=True)
class Asked(ListReading):
    """A reading that writes down what it would ask, and gets one item."""

    queries: list[Mapping[str, Any]] = field(default_factory=list)

    async def page(self, query: Mapping[str, Any]) -> Answer:
        self.queries.append(query)
        return answer(200, b'{"data": [{"id": "1"}], "next_cursor": null}')


@pytest.mark.parametrize(("pages", "query"), [((), {"limit": 2}), (True, {}), (("listJobs",), {})])
def test_what_is_asked_of_a_list(pages: Any, query: Mapping[str, Any]) -> None:  # noqa: ANN401
    client = cast("Client", SimpleNamespace(without=Without(pages=pages)))
    [shape] = [
        one for one in list_shapes(operations_of(load_target(None))) if str(one) == "listJobs"
    ]
    reading = Asked(shape=shape, ids={}, owner=OWNER, others=(), client=client, instance=0)
    [items] = asyncio.run(read_in_turn([reading]))
    assert [item["id"] for item in items] == ["1"]
    assert reading.queries == [query]
