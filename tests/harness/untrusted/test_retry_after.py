import pytest
from multidict import CIMultiDict

from harness.untrusted.retry_after import asked_wait_s, is_retry_after

SENT = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
        ("Sunday, 06-Nov-94 08:49:47 GMT", 10),  # obsolete forms that a client must still read
        ("Sun Nov  6 08:49:47 1994", 10),
        ("Sun, 06 Nov 1994 08:49:07 GMT", 0),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_waits_are_read_from_seconds_and_dates(value: str, seconds: float | None) -> None:
    headers = CIMultiDict({"Retry-After": value, "Date": SENT})
    assert asked_wait_s(headers) == seconds


def test_without_the_header_nothing_is_asked() -> None:
    assert asked_wait_s({}) is None


@pytest.mark.parametrize("value", ["1", "86400", SENT])
def test_what_a_server_may_send(value: str) -> None:
    assert is_retry_after(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "1.5",
        "-1",
        "Sun Nov  6 08:49:47 1994",
        "Sun, 46 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "1\n",
    ],
)
def test_what_a_server_may_not_send(value: str) -> None:
    assert not is_retry_after(value)
