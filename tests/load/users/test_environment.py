"""Who the users of a load test are, read from the environment."""

from pathlib import Path

import pytest

from load.users.environment import (
    CONTRACT,
    CREATED,
    HISTORY,
    NoTenant,
    Tenant,
    base_urls_of,
    locust_environment,
    tenants_of,
)


def test_every_organization_with_a_token_takes_part() -> None:
    environment = {
        "JWT_ORG_B": "b", "JWT_ORG_A": "a", "JOB_ID_ORG_A": "job-a", "JWT_ORG_C": "",
        "JWT_TOKEN": "t", "JWT_SECRET": "s", "JWT_ORG_a": "no",
    }  # fmt: skip
    assert tenants_of(environment) == [
        Tenant(name="A", token="a", job_id="job-a"),
        Tenant(name="B", token="b"),
    ]


def test_a_single_token_is_enough() -> None:
    assert tenants_of({"JWT_TOKEN": "t", "JOB_ID": "j"}) == [
        Tenant(name="default", token="t", job_id="j")
    ]


def test_no_token_is_an_error_that_names_the_variables() -> None:
    with pytest.raises(NoTenant, match=r"JWT_ORG_A.*JWT_TOKEN"):
        tenants_of({"JWT_TOKEN": ""})


def test_tokens_do_not_show() -> None:
    assert "secret" not in repr(Tenant(name="A", token="secret"))


@pytest.mark.parametrize(
    ("environment", "urls"),
    [
        (
            {"BACKEND_URLS": "http://a/ http://b", "BACKEND_URL": "http://c"},
            ["http://a", "http://b"],
        ),
        ({"BACKEND_URL": "http://c/"}, ["http://c"]),
        ({}, []),
    ],
)
def test_instances(environment: dict[str, str], urls: list[str]) -> None:
    assert base_urls_of(environment) == urls


def test_what_locust_gets_is_read_back_and_nothing_else_of_ours() -> None:
    inherited = {"PATH": "/bin", "JWT_ORG_Z": "z", "JOB_ID": "j", "LOCUST_USERS": "9"}
    inherited |= {HISTORY: "old", CREATED: "old", CONTRACT: "old", "BACKEND_URL": "http://old"}
    given = locust_environment(
        inherited,
        base_urls=["http://a", "http://b"],
        tokens={"A": "a", "B": "b"},
        home=Path("/home"),
        history=Path("/history.jsonl"),
    )
    assert tenants_of(given) == [Tenant(name="A", token="a"), Tenant(name="B", token="b")]
    assert base_urls_of(given) == ["http://a", "http://b"]
    assert given["PATH"] == "/bin"
    assert not given.keys() & {"JWT_ORG_Z", "JOB_ID", "LOCUST_USERS", "BACKEND_URL"}
    assert (given[HISTORY], given[CREATED], given[CONTRACT]) == ("/history.jsonl", "", "")
