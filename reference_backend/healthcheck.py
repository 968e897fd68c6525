"""``python -m reference_backend.healthcheck``: exit code 0 if the process beside it can serve."""

from __future__ import annotations

import http.client
import os
import sys

_PATHS = ("/readyz", "/metrics")
"""An API is asked whether it is ready; a worker has metrics only."""
_TIMEOUT_S = 4.0


def main() -> int:
    """Ask on loopback; 0 for a 2xx, 1 for anything else."""
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
