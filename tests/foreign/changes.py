"""Ways of changing a program of tests into one with a bug, each switched on when it is called."""

from collections.abc import Callable


def put(owner: object, name: str, other: object) -> Callable[[], None]:
    """Put `other` in the place of what `owner` has under this name."""

    def switch_on() -> None:
        if not hasattr(owner, name):
            raise LookupError(f"{owner!r} has no {name}: the defect has lost its place")
        setattr(owner, name, other)

    return switch_on


def edit(owner: object, name: str, old: str, new: str) -> Callable[[], None]:
    """Change a passage of a text that `owner` has under this name."""

    def switch_on() -> None:
        text = getattr(owner, name)
        if old not in text:
            raise LookupError(f"{name} does not hold {old!r}: the defect has lost its place")
        setattr(owner, name, text.replace(old, new))

    return switch_on


def all_of(*changes: Callable[[], None]) -> Callable[[], None]:
    """Several changes that make one defect."""

    def switch_on() -> None:
        for change in changes:
            change()

    return switch_on
