"""Where a check looked: collected cell by cell, shown in words and as a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harness.coverage import CoverageTable
from harness.plugin.coverage import Coverage
from harness.reports.coverage_md import as_markdown

WORDS = st.text("ab|\n", min_size=1, max_size=3)


def test_a_cell_said_twice_counts_once() -> None:
    cover = Coverage()
    for _ in range(2):
        cover("operations", operation="getJob", token="viewer")
    cover("operations", token="owner", operation="getJob")  # the axes have names, not places
    (table,) = cover.tables()
    assert table.axes == ("operation", "token")
    assert table.cells == (("getJob", "owner"), ("getJob", "viewer"))
    assert table.describe() == "operations: 1 operation × 2 token, all 2 cells"


def test_holes_are_told() -> None:
    table = CoverageTable.of("t", ["a", "b"], [("1", "x"), ("2", "y")])
    assert table.describe() == "t: 2 a × 2 b, 2 of 4 cells"


@pytest.mark.parametrize("axes", [{}, {"table": "jobs"}, {"operation": "getJob"}])
def test_cells_that_do_not_line_up_are_refused(axes: dict[str, str]) -> None:
    cover = Coverage()
    cover("operations", operation="getJob", token="viewer")
    with pytest.raises(ValueError, match="expected the axes operation, token"):
        cover("operations", **axes)


def test_a_table_without_axes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Coverage()("operations")


def test_the_third_axis_stands_in_the_cells() -> None:
    cells = [
        ("getJob", "owner", "own"),
        ("getJob", "owner", "foreign"),
        ("getJob", "viewer", "own"),
    ]
    table = CoverageTable.of(
        "t", ["operation", "token", "id"], [*cells, ("listJobs", "owner", "own")]
    )
    assert as_markdown(table).splitlines() == [
        "| operation \\ token | owner | viewer |",
        "|---|---|---|",
        "| getJob | foreign, own | own |",
        "| listJobs | own |  |",
    ]


@given(cells=st.lists(st.tuples(WORDS, WORDS, WORDS)))
def test_it_survives_the_wire_and_every_cell_is_in_the_table(
    cells: list[tuple[str, str, str]],
) -> None:
    table = CoverageTable.of("t", ["a", "b", "c"], cells)
    adapter = TypeAdapter(CoverageTable)
    assert adapter.validate_json(adapter.dump_json(table)) == table
    rows = as_markdown(table).splitlines()
    assert len(rows) == 2 + len(table.values["a"])
