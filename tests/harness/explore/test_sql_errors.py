from harness.explore.running.sql_errors import line_of


def test_the_caret_stands_below_the_character() -> None:
    assert line_of("SELECT nope\nFROM x", 8) == ("LINE 1: SELECT nope", "               ^")
    line, caret = line_of("SELECT 1\nFROM\there", 15)
    assert (line, line[caret.index("^")]) == ("LINE 2: FROM here", "h")


def test_a_long_line_is_cut_around_the_place() -> None:
    sql = "SELECT " + "a, " * 100 + "nope, " + "b, " * 100
    line, caret = line_of(sql, sql.index("nope") + 1)
    assert line[caret.index("^") :].startswith("nope, b, ")
    assert len(line) < 120
    assert line.startswith("LINE 1: …")
    assert line.endswith("…")


def test_a_place_after_the_end() -> None:
    assert line_of("SELECT", 7) == ("LINE 1: SELECT", "              ^")
