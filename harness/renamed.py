"""Old names that teams' own checks may still use: they work, and a warning says what to write."""

import functools
import warnings
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class RenamedWarning(DeprecationWarning):
    """A team's check uses a name that has another one now."""


def warn_renamed(old: str, new: str) -> None:
    """Say that `old` is now called `new`, at the line of the caller's caller."""
    warnings.warn(f"write {new} instead of {old}", RenamedWarning, stacklevel=3)


def warn_renamed_at(old: str, new: str, file: str, line: int) -> None:
    """Say the same of a place that is no caller: of the check that asks for a fixture."""
    warnings.warn_explicit(f"write {new} instead of {old}", RenamedWarning, file, line)


class OldName:
    """An attribute of a class under its old name: `shown = OldName("received")`."""

    def __init__(self, new: str) -> None:
        self._new = new
        self._old = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._old = name

    def __get__(self, instance: object, owner: type) -> Any:  # noqa: ANN401 - as the new one
        if instance is None:
            return self
        warn_renamed(f"{owner.__name__}.{self._old}", f"{owner.__name__}.{self._new}")
        return getattr(instance, self._new)


def accepts_old_keywords(**new_names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take arguments under their old keywords, too: `old="new"`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for old in new_names.keys() & kwargs.keys():
                warn_renamed(f"{old}=", f"{new_names[old]}=")
                kwargs[new_names[old]] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return decorate
