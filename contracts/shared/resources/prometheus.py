"""Metrics in Prometheus's text format, as far as checks need them."""

import re

_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{.*\})?\s+([-+.0-9eE]+)\b")


def total_of(text: str, name: str) -> float | None:
    """Add up every sample of a metric, with any labels; None when there is no such metric."""
    values = [
        float(found[2])
        for line in text.splitlines()
        if (found := _SAMPLE.match(line)) and found[1] == name
    ]
    return sum(values) if values else None
