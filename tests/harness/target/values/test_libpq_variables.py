"""libpq's variables of the user's database reach no connection to ours."""

import pytest
from psycopg import pq

from harness.target.values.libpq_variables import ALL, SESSION, as_given, set_aside, without_those
from harness.target.values.template import fill


def test_all_that_libpq_itself_lists_are_known() -> None:
    listed = {each.envvar.decode() for each in pq.Conninfo.get_defaults() if each.envvar}
    assert listed
    assert listed - ALL == set()


def test_what_is_set_aside_is_gone_but_can_be_asked_for() -> None:
    environment = {"PGHOST": "db.invalid", "PGOPTIONS": "-c x=y", "PGP_KEY": "k", "PATH": "/bin"}
    set_aside(SESSION, environment)
    assert "PGOPTIONS" not in environment
    assert environment["PGHOST"] == "db.invalid"
    set_aside(ALL, environment)
    assert not ALL & environment.keys()
    assert (environment["PGP_KEY"], environment["PATH"]) == ("k", "/bin")
    assert as_given("PGOPTIONS", environment) == "-c x=y"
    assert as_given("PGHOST", environment) == "db.invalid"
    assert as_given("PGPORT", environment) is None
    assert without_those(environment) == {"PGP_KEY": "k", "PATH": "/bin"}


def test_a_later_value_wins_over_what_was_set_aside() -> None:
    environment = {"PGHOST": "a"}
    set_aside(ALL, environment)
    environment["PGHOST"] = "b"
    assert as_given("PGHOST", environment) == "b"


def test_a_backend_with_a_database_of_its_own_keeps_them() -> None:
    assert without_those({"PGHOST": "db", "A": "1"}, ()) == {"PGHOST": "db", "A": "1"}


def test_a_target_file_can_still_name_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGTZ", raising=False)
    monkeypatch.setenv("SHAKEDOWN_SET_ASIDE_PGTZ", "Asia/Kathmandu")
    assert fill("{env:PGTZ}", {}) == "Asia/Kathmandu"
