"""Copies of a JSON document with one small change, at every leaf and at every level."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

Path = tuple[str | int, ...]


def leaves(document: Any, path: Path = ()) -> Iterator[Path]:  # noqa: ANN401 - any JSON
    """Give the path of every value without members, including empty containers."""
    members = _members(document)
    if members:
        for step, value in members:
            yield from leaves(value, (*path, step))
    elif path:
        yield path


def containers(document: Any, path: Path = ()) -> Iterator[Path]:  # noqa: ANN401 - any JSON
    """Give the path of every object and array, the document itself first."""
    if isinstance(document, dict | list):
        yield path
    for step, value in _members(document):
        yield from containers(value, (*path, step))


def at(document: Any, path: Path) -> Any:  # noqa: ANN401 - any JSON
    """Give the value at the path."""
    for step in path:
        document = document[step]
    return document


def is_there(document: Any, path: Path) -> bool:  # noqa: ANN401 - any JSON
    """Say whether there is a value at the path."""
    for step in path:
        members = dict(_members(document))
        if step not in members:
            return False
        document = members[step]
    return True


def replaced(document: Any, path: Path, value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Give a copy with another value at the path."""
    if not path:
        return value
    step, *rest = path
    copy = document.copy()
    copy[step] = replaced(copy[step], tuple(rest), value)
    return copy


def changed(document: Any, path: Path) -> Any:  # noqa: ANN401 - any JSON
    """Give a copy with a slightly different value of the same form at the path."""
    return replaced(document, path, another(at(document, path)))


def without(document: Any, path: Path) -> Any:  # noqa: ANN401 - any JSON
    """Give a copy without the value at the path."""
    *parents, last = path
    container = at(document, tuple(parents)).copy()
    del container[last]
    return replaced(document, tuple(parents), container)


def added(document: Any, path: Path) -> Any:  # noqa: ANN401 - any JSON
    """Give a copy with one more member in the container at the path."""
    container = at(document, path)
    more = [*container, "forged"] if isinstance(container, list) else {**container, "forged": 1}
    return replaced(document, path, more)


def another(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Give another value of the same type and form: a digest stays a digest, a time a time."""
    match value:
        case bool():
            return not value
        case int() | float() | Decimal():
            # RFC 8785 has no numbers beyond what a double holds exactly.
            return value - 1 if value > 2**52 else value + 1
        case str():
            return _another_text(value)
        case list():
            return [*value, "forged"]
        case dict():
            return {**value, "forged": 1}
        case _:
            return "forged"


def _another_text(text: str) -> str:
    for place in range(len(text) - 1, -1, -1):
        character = text[place]
        if character.isascii() and character.isalnum() and character.lower() != "z":
            step = -1 if character in "9fFyY" else 1
            return text[:place] + chr(ord(character) + step) + text[place + 1 :]
    return f"{text}x"


def _members(document: Any) -> list[tuple[str | int, Any]]:  # noqa: ANN401 - any JSON
    if isinstance(document, dict):
        return list(document.items())
    if isinstance(document, list):
        return list(enumerate(document))
    return []
