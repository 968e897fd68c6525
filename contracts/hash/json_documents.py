"""Hypothesis strategies for JSON documents as text.

Canonical forms go wrong in what a parsed value no longer shows: scale, exponents, escapes, equal
keys.
"""

import json

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

_ALPHABET = (
    '\b\f\n\r\t"\\/\x01\x1f\x7f'  # what some implementations escape, and what all must
    "abcABC019 _-.:<>&'"
    "éßøñ\u0301\u0391\u05d0\u07ff"  # two bytes, a combining accent, right to left
    "\u0800\u2028\u2029\u4e2d\ud7ff\ue000\ufeff\ufffd\uffff"  # three bytes
    "\U00010000\U0001d7d8\U0001f600\U0010ffff"  # four bytes, surrogate pairs in UTF-16
)
"""Not `st.characters()` or `st.text()`: their Unicode tables take two seconds to build in a run
without a cache."""

_WORDS = st.lists(st.sampled_from(_ALPHABET), max_size=8).map("".join)
_DIGITS = st.lists(st.sampled_from("0123456789"), min_size=1, max_size=6).map("".join)
_LONG_WORDS = st.builds(lambda word, times: word * times, _WORDS, st.integers(20, 60))

DEPTH = 3
"""How deep containers nest below the outermost one."""

EXACT_INTEGERS = 2**53 - 1
"""Every JSON implementation keeps integers up to this one (RFC 7493)."""


def _string_texts() -> SearchStrategy[str]:
    return st.builds(
        lambda word, ascii_only: json.dumps(word, ensure_ascii=ascii_only),
        st.one_of(_WORDS, _LONG_WORDS),
        st.booleans(),
    )


def _fraction_texts() -> SearchStrategy[str]:
    return st.builds(
        lambda whole, digits, zeros: f"{whole}.{digits}{'0' * zeros}",
        st.integers(-999, 999),
        _DIGITS,
        st.integers(0, 3),
    )


def _number_texts(*, portable: bool) -> SearchStrategy[str]:
    largest = EXACT_INTEGERS if portable else 10**30
    exponents = st.integers(-8, 12) if portable else st.integers(-40, 40)
    exponential = st.builds(
        lambda mantissa, letter, sign, exponent: (
            f"{mantissa}{letter}{sign if exponent >= 0 else ''}{exponent}"
        ),
        st.one_of(st.integers(-99, 99).map(str), st.sampled_from(["1.10", "-0.0", "0", "2.50"])),
        st.sampled_from("eE"),
        st.sampled_from(["", "+"]),
        exponents,
    )
    return st.one_of(
        st.integers(-largest, largest).map(str),
        _fraction_texts(),
        exponential,
        st.sampled_from(["-0", "-0.0", "1.10", "1e3", "1e-7", "0.1", "100"]),
    )


def values(*, portable: bool = False) -> SearchStrategy[str]:
    """JSON texts of any kind of value.

    Every API must accept the `portable` ones (RFC 7493): numbers that every implementation
    keeps, and no name twice in one object.
    """
    leaves = st.one_of(
        st.sampled_from(["null", "true", "false", "{}", "[]", '""']),
        _number_texts(portable=portable),
        _string_texts(),
    )
    # Not `st.recursive`: it takes twice as long to draw.
    level = leaves
    for _ in range(DEPTH):
        level = st.one_of(leaves, _array_texts(level), _object_texts(level, unique=portable))
    return level


def objects(*, portable: bool = False) -> SearchStrategy[str]:
    """JSON texts of objects; unless `portable`, some with equal names."""
    return _object_texts(values(portable=portable), unique=portable)


def _array_texts(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    return st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")


def _object_texts(inner: SearchStrategy[str], *, unique: bool) -> SearchStrategy[str]:
    names = st.one_of(st.sampled_from(['"a"', '"b"', '"aa"', '"é"', '""']), _string_texts())
    return st.lists(
        st.tuples(names, inner),
        max_size=4,
        unique_by=(lambda member: str(json.loads(member[0]))) if unique else None,
    ).map(lambda members: "{" + ", ".join(f"{name}: {value}" for name, value in members) + "}")
