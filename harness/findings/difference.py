"""Shows how two values differ, member by member, cut around what differs and never before it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

MOST_DIFFERENCES = 12
"""Members that a message shows; the rest is counted up to `MOST_COUNTED`."""

MOST_COUNTED = 1_000
AROUND = 60
"""Characters before and after the first one that differs."""

DEEPEST = 20


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One member that is not as expected."""

    path: str
    """Such as `data.files[3].sha256`; empty for the whole value."""
    expected: str
    got: str


def differences(expected: object, got: object) -> Iterator[Difference]:
    """Give every member in which two values differ, in the order of the expected one."""
    yield from _differences(expected, got, "", 0)


def _differences(expected: object, got: object, path: str, depth: int) -> Iterator[Difference]:
    if expected == got:
        return
    if depth < DEEPEST and isinstance(expected, Mapping) and isinstance(got, Mapping):
        for name in dict.fromkeys([*expected, *got]):
            member = f"{path}.{name}" if path else str(name)
            if name not in got:
                yield Difference(path=member, expected=_shown(expected[name]), got="missing")
            elif name not in expected:
                yield Difference(path=member, expected="absent", got=_shown(got[name]))
            else:
                yield from _differences(expected[name], got[name], member, depth + 1)
    elif depth < DEEPEST and _is_list(expected) and _is_list(got):
        yield from _list_differences(expected, got, path, depth)
    else:
        yield _of_values(expected, got, path)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _list_differences(expected: object, got: object, path: str, depth: int) -> Iterator[Difference]:
    assert isinstance(expected, Sequence)
    assert isinstance(got, Sequence)
    for number, (one, other) in enumerate(zip(expected, got, strict=False)):
        yield from _differences(one, other, f"{path}[{number}]", depth + 1)
    for number in range(len(got), len(expected)):
        yield Difference(path=f"{path}[{number}]", expected=_shown(expected[number]), got="missing")
    for number in range(len(expected), len(got)):
        yield Difference(path=f"{path}[{number}]", expected="absent", got=_shown(got[number]))


def _of_values(expected: object, got: object, path: str) -> Difference:
    texts = repr(expected), repr(got)
    if texts[0] == texts[1]:  # 1 and True, 1 and 1.0 do not come here; two classes may
        texts = f"{texts[0]} ({type(expected).__name__})", f"{texts[1]} ({type(got).__name__})"
    at = next(
        (number for number, pair in enumerate(zip(*texts, strict=False)) if pair[0] != pair[1]),
        min(map(len, texts)),
    )
    return Difference(path=path, expected=_around(texts[0], at), got=_around(texts[1], at))


def _around(text: str, at: int) -> str:
    """Cut a long text around the character that differs."""
    if len(text) <= 3 * AROUND:
        return text
    begin, end = max(0, at - AROUND), at + 2 * AROUND
    before, after = (
        ("…" if begin else ""),
        (f"… ({len(text)} characters)" if end < len(text) else ""),
    )
    return f"{before}{text[begin:end]}{after}"


def _shown(value: object) -> str:
    return _around(repr(value), 0)


def describe_difference(expected: object, got: object) -> tuple[str, str]:
    """Give both values for a message: whole where they are short, else what differs.

    Containers are shown member by member, a line each, `path: value`.
    """
    whole = repr(expected), repr(got)
    if max(map(len, whole)) <= AROUND and whole[0] != whole[1]:
        return whole
    counted = list(islice(differences(expected, got), MOST_COUNTED))
    if not counted:
        return whole[0][: 3 * AROUND], whole[1][: 3 * AROUND]
    shown = counted[:MOST_DIFFERENCES]
    if not any(each.path for each in shown):
        return shown[0].expected, shown[0].got
    rest = len(counted) - len(shown)
    more = (
        [f"… and {rest}{'+' if len(counted) == MOST_COUNTED else ''} more members"] if rest else []
    )
    expected_lines = [f"{each.path}: {each.expected}" for each in shown]
    got_lines = [f"{each.path}: {each.got}" for each in shown]
    return "\n".join([*expected_lines, *more]), "\n".join([*got_lines, *more])
