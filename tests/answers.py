"""Answers of a backend, made by hand."""

from multidict import CIMultiDict

from harness.client.answers.answer import Answer


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    """Give the answer to a request for jobs; `retry_after="3"` is the header `retry-after: 3`."""
    return Answer(
        operation_id="listJobs",
        method="GET",
        path="/api/jobs",
        instance=0,
        status=status,
        headers=CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()}),
        body=body,
        elapsed_s=0.0,
    )
