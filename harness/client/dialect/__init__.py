"""A backend's dialect: checks use the contract's names and values, translated both ways."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from harness.client.answers.answer import Answer
from harness.client.dialect.answers import AnswerTranslation
from harness.client.dialect.name_map import NameMap
from harness.client.dialect.requests import Body, Request, RequestTranslation
from harness.client.routes import Route, Routes
from harness.target.contract.dialect import Contract


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """Translates the requests and answers of one backend."""

    contract: Contract
    routes: Routes

    @classmethod
    def of(cls, contract: Contract, routes: Routes) -> Self | None:
        """The dialect of a target's `[contract]`; None where it changes nothing."""
        changes = contract.translates or contract.all_constants
        return cls(contract=contract, routes=routes) if changes else None

    def request(
        self,
        route: Route,
        path: str,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        body: Body,
        *,
        has_constants: bool = True,
    ) -> Request:
        """The request as it is sent; the target's constants are for the backend's servers alone."""
        return self._requests.translated(
            route.operation_id,
            path,
            query,
            headers,
            body,
            has_constants=has_constants,
            by_target=route.by_target,
        )

    def head(
        self, operation_id: str, path: str, headers: Mapping[str, str]
    ) -> tuple[str, dict[str, str]]:
        """Path and headers of a request whose body a check writes itself, as they are sent."""
        return self._requests.head(operation_id, path, headers)

    def form(self, operation_id: str, body: bytes) -> bytes:
        """An operation's form, also the beginning of one, as it is sent."""
        return self._requests.form(operation_id, body)

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
