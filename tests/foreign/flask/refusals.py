"""How this backend says no: a flat object with a message, a machine's reason and a trace."""


class Refusal(Exception):
    """An answer that is not the one hoped for. `reason` is the stable name that programs read."""

    def __init__(
        self, status: int, reason: str, message: str, *, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.headers: dict[str, str] = {}
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)
        if status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"


def absent() -> Refusal:
    """What a foreign thing, a thing that is not, and an id that cannot be all answer."""
    return Refusal(404, "not_found", "There is no such thing.")


def bad_request(message: str) -> Refusal:
    """The request is not what the route takes."""
    return Refusal(400, "bad_request", message)
