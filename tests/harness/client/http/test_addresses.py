import pytest

from harness.client.http.addresses import ElsewhereError, resolved

BASE = "https://host.example/v1"


@pytest.mark.parametrize(
    ("reference", "server", "path"),
    [
        ("/v1/api/jobs/7", BASE, "/api/jobs/7"),
        ("https://HOST.example:443/v1/api/jobs/7?a=b#part", BASE, "/api/jobs/7?a=b"),
        ("//host.example/v1/api/jobs/7", BASE, "/api/jobs/7"),
        ("jobs/7", BASE, "/api/jobs/7"),
        ("../api/./jobs/7", BASE, "/api/jobs/7"),
        ("?page=2", BASE, "/api/jobs?page=2"),
        ("/api/jobs/7", "https://host.example", "/api/jobs/7"),
        ("/v10/api", "https://host.example", "/v10/api"),
        ("/v1/../api/jobs/7", "https://host.example", "/api/jobs/7"),
    ],
)
def test_references_are_resolved_as_rfc_3986_says(reference: str, server: str, path: str) -> None:
    assert resolved(reference, BASE, "/api/jobs") == (server, path)


def test_without_a_path_of_its_own_everything_is_below_the_server() -> None:
    assert resolved("/x", "http://127.0.0.1:80", "/api/jobs") == ("http://127.0.0.1:80", "/x")


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "https://other.example/v1/api/jobs/7",
        "http://host.example/v1/api/jobs/7",
        "https://host.example:444/v1/api",
        "//other.example/v1/api",
        "https://me@host.example/v1/api",
        "/v1/a b",
        "/v1\\api",
        "https://[::1/v1",
        "https://host.example:x/v1",
        "mailto:me@host.example",
    ],
)
def test_other_servers_and_other_texts_are_refused(reference: str) -> None:
    with pytest.raises(ElsewhereError):
        resolved(reference, BASE, "/api/jobs")
