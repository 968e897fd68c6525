"""Tokens: what is vouched for counts, nothing else does."""

import base64
import json
import time
from typing import Any
from uuid import uuid4

import jwt
import pytest

from reference_backend.api.auth import Principal, Role, authenticate
from reference_backend.api.problems import Problem

SECRET = "a secret of these tests that is long enough for each algorithm, SHA-512 included"
ORGANISATION = str(uuid4())


def claims(**changes: object) -> dict[str, Any]:
    plain = {
        "sub": "user-1",
        "role": "authenticated",
        "aud": "authenticated",
        "exp": int(time.time()) + 60,
        "app_metadata": {"organization_id": ORGANISATION, "role": "member"},
    }
    return {key: value for key, value in {**plain, **changes}.items() if value is not None}


def sign(payload: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(payload, secret, algorithm=algorithm)


def judge(*authorization: str) -> Principal:
    return authenticate(list(authorization), secret=SECRET, audience="authenticated")


def refusal(*authorization: str) -> Problem:
    with pytest.raises(Problem) as refused:
        judge(*authorization)
    return refused.value


def unsigned(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    def encode(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    return ".".join(
        (
            encode(json.dumps(header).encode()),
            encode(json.dumps(payload).encode()),
            encode(signature),
        )
    )


def test_a_good_token() -> None:
    principal = judge(f"Bearer {sign(claims())}")
    assert (principal.user_id, str(principal.organization_id)) == ("user-1", ORGANISATION)
    assert principal.role is Role.MEMBER
    assert principal.may_write
    assert judge(f"bearer {sign(claims(aud=['other', 'authenticated']))}") == principal


def test_the_database_sees_the_vouched_claims_only() -> None:
    token = sign(claims(user_metadata={"organization_id": str(uuid4())}, email="x@example.org"))
    assert judge(f"Bearer {token}").claims == {
        "sub": "user-1",
        "role": "authenticated",
        "app_metadata": {"organization_id": ORGANISATION, "role": "member"},
    }


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "..",
        "\xe9.\xe9.\xe9",
        unsigned({"alg": "none", "typ": "JWT"}, claims()),
        unsigned({"alg": "None"}, claims()),
        unsigned({"alg": "HS256"}, claims(), b"guess"),
        unsigned({"alg": ["HS256"]}, claims()),
        unsigned({}, claims()),
        sign(claims(), algorithm="HS512"),
        sign(claims(), algorithm="HS384"),
        sign(claims(), secret=SECRET.upper()),
        sign(claims(exp=int(time.time()) - 1)),
        sign(claims(exp=None)),
        sign(claims(exp="never")),
        sign(claims(exp=True)),
        sign(claims(exp=str(int(time.time()) + 60))),
        sign(claims(exp=float("inf"))),
        sign(claims(exp=float("nan"))),
        sign(claims(aud="anon")),
        sign(claims(aud=[])),
        sign(claims(aud={"authenticated": True})),
        sign({k: v for k, v in claims().items() if k != "aud"}),
        sign({k: v for k, v in claims().items() if k != "sub"}),
        sign(claims(sub="")),
        sign(claims(sub="x" * 256)),
        sign(claims(sub="nul\0")),
        sign(claims(nbf=int(time.time()) + 60)),
        jwt.encode(claims(), SECRET, algorithm="HS256", headers={"crit": ["x"], "x": 1}),
    ],
)
def test_tokens_that_do_not_hold(token: str) -> None:
    problem = refusal(f"Bearer {token}")
    assert problem.code == "invalid_token"
    assert problem.headers == {"WWW-Authenticate": "Bearer"}


@pytest.mark.parametrize(
    "headers", [(), ("",), ("Bearer",), ("Bearer ",), ("Basic dTpw",), (sign(claims()),)]
)
def test_requests_without_a_bearer_token(headers: tuple[str, ...]) -> None:
    assert refusal(*headers).code == "invalid_token"


def test_two_authorization_headers_are_one_too_many() -> None:
    header = f"Bearer {sign(claims())}"
    assert refusal(header, header).code == "invalid_token"


@pytest.mark.parametrize(
    ("vouched", "code"),
    [
        (None, "no_organization"),
        ({}, "no_organization"),
        ([], "no_organization"),
        ({"role": "owner"}, "no_organization"),
        ({"organization_id": "", "role": "owner"}, "no_organization"),
        ({"organization_id": "not-an-id", "role": "owner"}, "no_organization"),
        ({"organization_id": [ORGANISATION], "role": "owner"}, "no_organization"),
        ({"organization_id": ORGANISATION}, "forbidden"),
        ({"organization_id": ORGANISATION, "role": "admin"}, "forbidden"),
        ({"organization_id": ORGANISATION, "role": ["owner"]}, "forbidden"),
    ],
)
def test_valid_tokens_that_open_nothing(vouched: object, code: str) -> None:
    user_metadata = {"organization_id": ORGANISATION, "role": "owner"}
    token = sign(claims(app_metadata=vouched, user_metadata=user_metadata))
    assert refusal(f"Bearer {token}").code == code


def test_another_role_than_authenticated_is_refused() -> None:
    for role in ("anon", "service_role", None):
        assert refusal(f"Bearer {sign(claims(role=role))}").code == "forbidden"


def test_viewers_only_look() -> None:
    vouched = {"organization_id": ORGANISATION, "role": "viewer"}
    assert not judge(f"Bearer {sign(claims(app_metadata=vouched))}").may_write
