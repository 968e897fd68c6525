import pytest

from harness.errors import Misconfigured
from harness.postgres.releases import initdb_options, known_settings, major_of, refuse_untried
from harness.postgres.server import SETTINGS


@pytest.mark.parametrize(
    ("printed", "major"),
    [
        ("postgres (PostgreSQL) 17.10", 17),
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15),
        ("postgres (PostgreSQL) 19devel", 19),
        ("postgres: error while loading shared libraries", None),
    ],
)
def test_what_a_server_says(printed: str, major: int | None) -> None:
    assert major_of(printed) == major


def test_each_release_gets_what_it_knows() -> None:
    assert "--locale-provider=builtin" in initdb_options(17)
    assert "--locale-provider=builtin" not in initdb_options(16)
    assert initdb_options(15) == ("--locale=C.UTF-8",)
    assert "io_method" in known_settings(SETTINGS, 18)
    assert set(SETTINGS) - set(known_settings(SETTINGS, 17)) == {"io_method"}


@pytest.mark.parametrize(("major", "age"), [(14, "old"), (19, "new")])
def test_releases_that_were_never_tried(major: int, age: str) -> None:
    with pytest.raises(Misconfigured, match=rf"which is too {age}: expected 15 to 18; install"):
        refuse_untried(major, "this")
    refuse_untried(15, "this")
    refuse_untried(18, "this")
