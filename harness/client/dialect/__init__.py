"""A backend's dialect: checks use the contract's names and values, translated both ways."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from harness.client.answer import Answer
from harness.client.dialect.answers import AnswerTranslation
from harness.client.dialect.name_map import NameMap
from harness.client.dialect.requests import Body, Request, RequestTranslation
from harness.client.routes import Route, Routes
from harness.target.dialect import Contract


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """Translates the requests and answers of one backend."""

    contract: Contract
    routes: Routes

    @classmethod
    def of(cls, contract: Contract, routes: Routes) -> Self | None:
        """The dialect of a target's `[contract]`; None where it translates nothing."""
        return cls(contract=contract, routes=routes) if contract.translates else None

    def request(
        self,
        route: Route,
        path: str,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        body: Body,
    ) -> Request:
        """The request as it is sent."""
        return self._requests.translated(route.operation_id, path, query, headers, body)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers of a request as they are sent."""
        return self._requests.headers(headers)

    def parts(self, operation_id: str) -> Mapping[str, str]:
        """The parts of an operation's form that are called differently, by the contract's name."""
        return self._requests.parts(operation_id)

    def answer(self, route: Route, answer: Answer) -> Answer:
        """The answer as the contract would have it."""
        return self._answers.translated(self.routes.asked(route, answer.path), answer)

    @cached_property
    def _requests(self) -> RequestTranslation:
        return RequestTranslation(
            contract=self.contract, names=NameMap(self.contract), routes=self.routes
        )

    @cached_property
    def _answers(self) -> AnswerTranslation:
        return AnswerTranslation(contract=self.contract, names=NameMap(self.contract))
