"""Whose organization is filled into a path."""

import jwt

from harness.client.http.path_organization import PathOrganization
from harness.client.routes import Route

KEY = "only for tests, and long enough for it"
PATH = "/organizations/{organization}/jobs"


def known() -> PathOrganization:
    made = PathOrganization()
    made.note("token-a", "org-a")
    made.note("token-b", "org/b")
    return made


def test_it_is_that_of_the_token() -> None:
    assert known().filled(PATH, "Bearer token-a") == "/organizations/org-a/jobs"
    assert known().filled(PATH, "bearer token-b") == "/organizations/org%2Fb/jobs", "one segment"


def test_a_path_that_names_one_stays() -> None:
    assert known().filled("/organizations/org-a/jobs", "Bearer token-b").split("/")[2] == "org-a"


def test_a_quoted_placeholder_is_one_too() -> None:
    assert known().filled("/organizations/%7Borganization%7D", "Bearer token-a")[-5:] == "org-a"


def test_a_token_of_a_checks_own_making_is_of_the_organization_that_it_names() -> None:
    claims = {"app_metadata": {"organization_id": "org/b"}}
    forged = jwt.encode(claims, KEY, algorithm="HS256")
    assert known().filled(PATH, f"Bearer {forged}") == "/organizations/org%2Fb/jobs"


def test_without_a_token_it_is_any_so_that_only_the_token_is_wrong() -> None:
    assert known().filled(PATH, "") == "/organizations/org-a/jobs"
    assert known().filled(PATH, "Bearer nonsense") == "/organizations/org-a/jobs"
    assert "{" not in PathOrganization().filled(PATH, "")


def test_a_route_leaves_it_open_unless_it_is_given() -> None:
    route = Route(operation_id="getJob", method="GET", template=PATH + "/{job_id}")
    assert route.path({"job_id": "1 {organization}"}) == PATH + "/1%20%7Borganization%7D"
    assert route.path({"job_id": "1", "organization": "x"}) == "/organizations/x/jobs/1"
    assert route.is_at("/organizations/x/jobs/1")
