"""What is left of a file without the values that are wrong: contradictions are looked for there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from pydantic import BaseModel

from harness.target.toml.lines import KeyPath
from harness.target.toml.toml_file import validate

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Remainder:
    """Values of a file without some; items of a list that come after one move up."""

    values: dict[str, Any]
    gone: frozenset[KeyPath]
    """What was left out."""
    moved: Mapping[KeyPath, tuple[int, ...]] = field(default_factory=dict)
    """By the path of a list in the file: where the items that are left stand there."""

    @classmethod
    def of(cls, values: Mapping[str, Any], gone: Iterable[KeyPath]) -> Self:
        """Leave out what is at the given paths."""
        paths, moved = frozenset(gone), dict[KeyPath, tuple[int, ...]]()
        left: dict[str, Any] = _left(values, paths, (), moved)
        return cls(values=left, gone=paths, moved=moved)

    def in_file(self, path: KeyPath) -> KeyPath:
        """Give the path in the file of what is at a path of what is left."""
        there: KeyPath = ()
        for step in path:
            places = self.moved.get(there, ())
            there += (places[step] if isinstance(step, int) and step < len(places) else step,)
        return there

    def decides(self, path: KeyPath) -> bool:
        """Whether what is said of a path may follow from what was left out alone."""
        return any(
            path[: len(each)] == each or (isinstance(each[-1], int) and each[:-1] == path)
            for each in self.gone
            if each
        )


def remaining(
    model: type[M], values: Mapping[str, Any], bad: Iterable[KeyPath]
) -> tuple[M | None, Remainder]:
    """Build a model of what is left without what is bad, and what cannot be without that.

    None where nothing can be built so.
    """
    rest = Remainder.of(values, bad)
    while True:
        built, found = validate(model, rest.values)
        more = {_of_it(values, rest.in_file(where), rest.gone) for where, _ in found}
        if built is not None or not more - rest.gone or () in more:
            return built, rest
        rest = Remainder.of(values, rest.gone | more)


def _of_it(
    values: Any,  # noqa: ANN401 - TOML
    path: KeyPath,
    gone: frozenset[KeyPath],
) -> KeyPath:
    """The path itself where something is left there; else that of the table that lacks it."""
    for number, step in enumerate(path):
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return path[:number]
        if path[: number + 1] in gone:
            return path[:number]
    return path


def _left(
    value: Any,  # noqa: ANN401 - TOML
    gone: frozenset[KeyPath],
    here: KeyPath,
    moved: dict[KeyPath, tuple[int, ...]],
) -> Any:  # noqa: ANN401 - TOML
    if isinstance(value, Mapping):
        return {
            key: _left(each, gone, (*here, key), moved)
            for key, each in value.items()
            if (*here, key) not in gone
        }
    if not isinstance(value, tuple):
        return value
    kept = tuple(number for number in range(len(value)) if (*here, number) not in gone)
    moved[here] = kept
    return tuple(_left(value[number], gone, (*here, number), moved) for number in kept)
