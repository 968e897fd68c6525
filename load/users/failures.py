"""Requests of locust's users that failed, as evidence: one process writes them, another reads."""

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.client.answers.answer import Answer
from harness.client.dialect.requests import Request
from harness.client.routes import Route
from harness.findings.exchanges import Exchange
from harness.findings.log_window import LogWindow

MOST_OF_OPERATION = 2
"""Failures of one operation that are kept: the first ones."""

MOST_BYTES = 16 * 1024
"""Of a body."""


@dataclass(kw_only=True)
class FailureWriter:
    """Appends the first failures of each operation to a file that the run removes at its end."""

    path: Path
    _written: Counter[str] = field(default_factory=Counter)

    def keep(
        self,
        route: Route,
        url: str,
        request: Request,
        answer: Answer | None,
        problem: str,
        *,
        instance: int = 0,
        log: LogWindow | None = None,
    ) -> None:
        """Keep a failed request, unless there are enough of its operation; None: no answer.

        `log` is what its instance logged meanwhile.
        """
        if self._written[route.operation_id] >= MOST_OF_OPERATION:
            return
        self._written[route.operation_id] += 1
        exchange = replace(
            _exchange(route, url, request, answer, problem), instance=instance, log=log
        )
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(route.operation_id, exchange) + "\n")


def _exchange(
    route: Route, url: str, request: Request, answer: Answer | None, problem: str
) -> Exchange:
    sent = request.body if isinstance(request.body, bytes) else b""
    got = answer.sent if answer is not None else None
    content = got.body if got else b""
    return Exchange(
        method=route.method,
        url=url,
        headers=tuple(request.headers.items()),
        body=sent[:MOST_BYTES],
        body_size=len(sent),
        status=got.status if got else None,
        answer_headers=tuple(got.headers.items()) if got else (),
        answer=content[:MOST_BYTES],
        answer_size=len(content),
        problem=problem,
    )


def _line(operation_id: str, exchange: Exchange) -> str:
    return json.dumps(
        {
            "operation": operation_id,
            "method": exchange.method,
            "url": exchange.url,
            "headers": exchange.headers,
            "body": _text(exchange.body),
            "body_size": exchange.body_size,
            "status": exchange.status,
            "answer_headers": exchange.answer_headers,
            "answer": _text(exchange.answer),
            "answer_size": exchange.answer_size,
            "problem": exchange.problem,
            "instance": exchange.instance,
            "log": exchange.log and [str(exchange.log.path), exchange.log.begin, exchange.log.end],
        }
    )


def read_failures(path: Path) -> Mapping[str, list[Exchange]]:
    """Give what was written, by operation; empty where nothing failed.

    A line that a killed process left unfinished is skipped.
    """
    found: dict[str, list[Exchange]] = defaultdict(list)
    if not path.exists():
        return found
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            plain = json.loads(line)
        except ValueError:
            continue
        operation_id = plain.pop("operation")
        for name in ("body", "answer"):
            plain[name] = base64.b64decode(plain[name])
        for name in ("headers", "answer_headers"):
            plain[name] = tuple((key, value) for key, value in plain[name])
        if plain["log"] is not None:
            path_, begin, end = plain["log"]
            plain["log"] = LogWindow(path=Path(path_), begin=begin, end=end)
        found[operation_id].append(Exchange(**plain))
    return found


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
