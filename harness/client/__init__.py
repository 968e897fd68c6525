"""Requests to a backend over HTTP: organizations, clients, answers, and files to upload."""

from typing import Any

from harness.client.answers.answer import Answer
from harness.client.answers.record import Record
from harness.client.client import Client
from harness.client.concurrency import together
from harness.client.http.no_answer import NoAnswer
from harness.client.http.transport import Transport
from harness.client.organization import Organization
from harness.client.organizations import Organizations
from harness.client.routes import AbsentOperation, Route, Routes
from harness.client.samples import ALLOWED_TYPES, Sample, Samples
from harness.client.tokens.tokens import TokenRecipe, mint
from harness.renamed import warn_renamed
from harness.vocabulary.exports import LIVE_STATES, TERMINAL_STATES

_OLD_NAMES = {"Organisation": Organization, "Organisations": Organizations}
"""What teams' own checks may still import."""

__all__ = [
    "ALLOWED_TYPES",
    "LIVE_STATES",
    "TERMINAL_STATES",
    "AbsentOperation",
    "Answer",
    "Client",
    "NoAnswer",
    "Organization",
    "Organizations",
    "Record",
    "Route",
    "Routes",
    "Sample",
    "Samples",
    "TokenRecipe",
    "Transport",
    "mint",
    "together",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - as for any module
    if name not in _OLD_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warn_renamed(name, _OLD_NAMES[name].__name__)
    return _OLD_NAMES[name]
