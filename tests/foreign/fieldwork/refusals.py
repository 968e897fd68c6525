"""Requests that are refused, in the one form in which all of them are answered."""


class Refusal(Exception):
    """A request that is not done: status, the word for its family, and a sentence for people."""

    def __init__(self, status: int, word: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.word = word
        self.message = message


def invalid(message: str, status: int = 400) -> Refusal:
    """What the client can fix."""
    return Refusal(status, "invalid_request", message)


def not_found() -> Refusal:
    """No such thing, or none of this organization."""
    return Refusal(404, "not_found", "There is no such record.")


def forbidden() -> Refusal:
    """Somebody who may not do this."""
    return Refusal(403, "forbidden", "Your role does not allow this.")


def unauthorized(message: str) -> Refusal:
    """Nobody we know."""
    return Refusal(401, "unauthorized", message)


def unavailable() -> Refusal:
    """Database, storage or keys are away."""
    return Refusal(503, "unavailable", "Try again in a moment.")
