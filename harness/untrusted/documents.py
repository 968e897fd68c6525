"""Reading a backend's JSON: bounded, and only what every parser reads alike."""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from harness.untrusted.spelling import compared_by_value, number_of

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
"""The longest JSON document that is read, apart from files that are downloaded.

The largest of the contract, a page of 100 records, has a tenth of a megabyte, a manifest of ten
thousand files three. Parsed, the worst text (empty objects all the way) takes forty times its
length, so that this bounds the memory for one document to some 200 MB.
"""

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

Pairs = list[tuple[str, Any]]


class BadDocument(ValueError):
    """Not a JSON document, or one that cannot be relied on; the message says why."""


def parse(text: bytes, make_object: Callable[[Pairs], Any] = dict, *, by_value: bool = True) -> Any:  # noqa: ANN401
    """Give the value of a JSON document (RFC 8259) in UTF-8; `make_object` makes its objects.

    Raises `BadDocument` for everything else, and for what parsers read differently (RFC 8259,
    sections 4, 8.2 and 9): a name twice in an object, half a surrogate pair, NaN, whole numbers
    of thousands of digits, nesting beyond reason. Unless `by_value` is false, equal
    values in other spellings are equal (`spelling.py`).
    """
    if len(text) > MAX_DOCUMENT_BYTES:
        raise BadDocument(f"{len(text)} bytes are more than the {MAX_DOCUMENT_BYTES} of a document")

    def checked(pairs: Pairs) -> Any:  # noqa: ANN401
        if len(pairs) > 1 and len({name for name, _ in pairs}) < len(pairs):
            raise BadDocument(f"an object has the name {_doubled(pairs)!r:.80} twice")
        if by_value:
            pairs = [(name, compared_by_value(value)) for name, value in pairs]
        return make_object(pairs)

    try:
        value = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=checked,
            parse_constant=_refuse_constant,
            parse_float=number_of,
        )
        if _SURROGATE.search(text):
            # Pairs have become letters; a half that is left cannot be encoded.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except BadDocument:
        raise
    except UnicodeEncodeError:
        raise BadDocument("a text in it has half a surrogate pair") from None
    except RecursionError:
        raise BadDocument("it is nested too deeply") from None
    except ValueError as error:  # no JSON, no UTF-8, a number that Python will not convert
        raise BadDocument(str(error).partition("; use sys.")[0]) from None
    return value


def _doubled(pairs: Pairs) -> str:
    counted = Counter(name for name, _ in pairs)
    return counted.most_common(1)[0][0]


def _refuse_constant(name: str) -> object:
    raise BadDocument(f"{name} is no number of JSON")
