import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reference_backend.api import pagination
from reference_backend.api.problems import Problem

ID = UUID("3f0e1e56-6a0f-4c2b-9a52-0a3a1c3f6a10")


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)), st.uuids())  # noqa: DTZ001
def test_a_cursor_comes_back_as_it_went(time: datetime, item: UUID) -> None:
    cursor = pagination.by_time({"created_at": time, "id": item})
    read = pagination.parse_page({"cursor": str(cursor)}).after
    assert (read, read.time) == (cursor, time)


@given(st.from_regex(r"\A[0-7][0-9a-f]{47}\Z"))
def test_every_cursor_of_the_documented_form_is_taken(text: str) -> None:
    after = pagination.parse_page({"cursor": text}).after
    assert after.position < 2**63
    assert after.time.year <= 9999


def test_the_documented_form_is_the_one_that_is_taken() -> None:
    document = yaml.safe_load(Path("contracts/openapi.yaml").read_text())
    schema = document["components"]["parameters"]["Cursor"]["schema"]
    assert schema["pattern"] == f"^{pagination._CURSOR.pattern}$"


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "1.5", "", " 5", "+5", "05", "\u0665", "x", "1e1"]
)
def test_refuses_limits(limit: str) -> None:
    with pytest.raises(Problem) as refused:
        pagination.parse_page({"limit": limit})
    assert refused.value.code == "invalid_request"
    assert refused.value.errors[0].field == "limit"


@pytest.mark.parametrize(
    "cursor", ["", "x", "8" + "0" * 47, "0" * 49, "0" * 47 + "G", "0" * 48 + "\n"]
)
def test_refuses_cursors(cursor: str) -> None:
    with pytest.raises(Problem):
        pagination.parse_page({"cursor": cursor})


def test_defaults() -> None:
    page = pagination.parse_page({"unknown": "x"})
    assert (page.limit, page.after.position, page.after.id) == (50, 0, UUID(int=0))


def test_the_surplus_row_says_that_more_follow() -> None:
    rows = [{"created_at": datetime(2030, 1, n, tzinfo=UTC), "id": ID, "n": n} for n in (1, 2, 3)]
    page = pagination.parse_page({"limit": "2"})
    body = pagination.page_of(rows, page, lambda row: {"n": row["n"]}, pagination.by_time)
    assert body["data"] == [{"n": 1}, {"n": 2}]
    assert re.fullmatch(pagination._CURSOR, body["next_cursor"])
    assert pagination.parse_page({"cursor": body["next_cursor"]}).after.time.day == 2
    last = pagination.page_of(rows[:2], page, dict, pagination.by_time)
    assert last["next_cursor"] is None
