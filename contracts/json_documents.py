"""Hypothesis strategies for JSON documents, as text: what a parsed value can no longer show
(scale, exponents, escapes, equal keys) is where canonical forms go wrong.
"""

import json

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

_TROUBLE = st.sampled_from(
    [
        *'\b\f\n\r\t"\\/\x01\x1f\x7f',
        "é",
        "\u0301",
        "ß",
        "\u2028",
        "\ufeff",
        "\uffff",
        "😀",
        "\U0001d7d8",
    ]
)
# Code points by number, not `st.characters()`: that one reads tables of Unicode which take two
# seconds to build in every run that finds no cache of them.
_ANY_CHARACTER = st.one_of(st.integers(0x01, 0xD7FF), st.integers(0xE000, 0x10FFFF)).map(chr)
_CHARACTERS = st.one_of(_TROUBLE, _ANY_CHARACTER, st.sampled_from("abcAB01"))
_WORDS = st.lists(_CHARACTERS, max_size=8).map("".join)
_DIGITS = st.lists(st.sampled_from("0123456789"), min_size=1, max_size=6).map("".join)
_LONG_WORDS = st.builds(lambda word, times: word * times, _WORDS, st.integers(20, 60))

EXACT_INTEGERS = 2**53 - 1
"""Integers up to here survive every JSON implementation (RFC 7493)."""


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

    `portable` ones are what every API can be expected to take (RFC 7493): numbers within what
    every implementation holds, no name twice in one object.
    """
    leaves = st.one_of(
        st.sampled_from(["null", "true", "false", "{}", "[]", '""']),
        _number_texts(portable=portable),
        _string_texts(),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(_array_texts(inner), _object_texts(inner, unique=portable)),
        max_leaves=12,
    )


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
