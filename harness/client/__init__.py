"""Speaking to a backend over HTTP: organisations, clients, answers, the files they upload."""

from harness.client.answer import Answer, Record
from harness.client.client import LIVE_STATES, TERMINAL_STATES, Client
from harness.client.organisation import Organisation, Organisations
from harness.client.routes import Route, Routes
from harness.client.samples import ALLOWED_TYPES, Sample, Samples
from harness.client.together import together
from harness.client.tokens import TokenRecipe, mint
from harness.client.transport import NoAnswer, Transport

__all__ = [
    "ALLOWED_TYPES",
    "LIVE_STATES",
    "TERMINAL_STATES",
    "Answer",
    "Client",
    "NoAnswer",
    "Organisation",
    "Organisations",
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
