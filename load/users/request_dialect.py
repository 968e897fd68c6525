"""The dialect of the requests of users: the contract's, or that of a target file."""

import json as json_of
from collections.abc import Mapping
from importlib import resources

from multidict import CIMultiDict
from pydantic import ValidationError

from harness.client.answers.answer import Answer
from harness.client.dialect import Dialect
from harness.client.dialect.requests import Request
from harness.client.http.redirects import judged_as_success
from harness.client.multipart import encode_form
from harness.client.routes import Route, contract_routes
from harness.client.samples import Sample
from harness.target.contract.dialect import Contract
from load.users.environment import CONTRACT


class UnknownDialect(Exception):
    """The variable does not hold a contract; the message says why."""


class RequestDialect:
    """Turns operations into requests, and answers into those of the contract."""

    def __init__(self, contract: Contract) -> None:
        self.document = contract.openapi
        """Where the OpenAPI document is."""
        self.redirects = contract.redirects
        """Where downloads may be redirected to."""
        self.routes = contract_routes(contract)
        self._dialect = Dialect.of(contract, self.routes)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "RequestDialect":
        """Read the dialect from the environment. Raises `UnknownDialect`."""
        text = environment.get(CONTRACT)
        try:
            if text:
                # Not strictly: JSON has no tuples.
                return cls(Contract.model_validate_json(text, strict=False))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise UnknownDialect(f"{CONTRACT}: {place}: {first['msg']}") from None
        document = resources.files("contracts") / "openapi.yaml"
        return cls(Contract(openapi=str(document)))

    def request(
        self,
        route: Route,
        values: Mapping[str, str],
        headers: Mapping[str, str],
        *,
        json: object = None,
        file: Sample | None = None,
    ) -> Request:
        """Give the request for an operation, with a document or a form of one file, or neither."""
        sent, body = dict(headers), b""
        if file is not None:
            body, sent["Content-Type"] = encode_form({}, {"file": file})
        elif json is not None:
            body, sent["Content-Type"] = json_of.dumps(json).encode(), "application/json"
        path = route.path(values)
        if self._dialect is None:
            return Request(path=path, headers=sent, body=body)
        return self._dialect.request(route, path, None, sent, body or None)

    def answer(
        self,
        route: Route,
        path: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        base_url: str = "",
    ) -> Answer:
        """Give the answer of `base_url` to such a request as the contract words it."""
        answer = Answer(
            operation_id=route.operation_id,
            method=route.method,
            path=path,
            instance=0,
            status=status,
            headers=CIMultiDict(headers.items()),
            body=body,
            elapsed_s=0.0,
        )
        contract = None
        if self._dialect is not None:
            contract, answer = self._dialect.contract, self._dialect.answer(route, answer)
        return judged_as_success(contract, route, answer, base_url)

    def reworded(self, answer: Answer) -> Answer:
        """Give what a redirect led to in the contract's names."""
        if self._dialect is None:
            return answer
        return self._dialect.answer(self.routes[answer.operation_id], answer)
