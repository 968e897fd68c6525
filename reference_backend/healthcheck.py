"""``python -m reference_backend.healthcheck``: exit code 0 if this container's process is ready."""

from __future__ import annotations

import http.client
import os
import sys

_PATHS = ("/readyz", "/metrics")
"""An API has both; a worker has only metrics."""
_TIMEOUT_S = 4.0


def main() -> int:
    """Request them on loopback; 0 for a 2xx, 1 otherwise."""
    for path in _PATHS:
        status = _status(path)
        if status != http.client.NOT_FOUND:
            return 0 if 200 <= status < 300 else 1
    return 1


def _status(path: str) -> int:
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(os.environ["PORT"]), timeout=_TIMEOUT_S
    )
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return http.client.SERVICE_UNAVAILABLE
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
