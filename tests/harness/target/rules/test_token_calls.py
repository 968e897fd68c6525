"""What `[tokens.calls]` may say, and what it must not say, each refused with its line."""

from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.target import Capability, Target, load_target

TEXT = """\
name = "depot"
[api]
command = ["serve"]
environment = { ADMIN = "{admin_token}" }
[worker]
command = ["work"]
ready_path = false
[tokens.calls]
admin_token = "open-sesame-0815"
headers = { Authorization = "Bearer {admin_token}" }
role_names = { viewer = "guest" }
[tokens.calls.organization]
path = "/tenants"
body = { name = "{name}", tags = ["{unique}", 3] }
gives = { organization = "/id" }
[tokens.calls.user]
path = "/tenants/{organization}/people"
body = { role = "{role}", mail = "{unique}@example.org" }
success = [201]
gives = { user = "/id" }
[tokens.calls.sign_in]
path = "/sign-in"
headers = {}
body = { person = "{user}", mail = "{unique}@example.org" }
gives = { token = "/bearer" }
"""


def loaded(folder: Path, text: str = TEXT) -> Target:
    file = folder / "shakedown.toml"
    file.write_text(text, encoding="utf-8")
    return load_target(file)


def test_new_organizations_are_offered_and_the_admin_token_is_secret(tmp_path: Path) -> None:
    target = loaded(tmp_path)
    assert {Capability.TENANTS, Capability.ORGANIZATIONS} <= target.capabilities()
    assert "open-sesame-0815" in target.secrets
    assert "open-sesame-0815" not in repr(target)
    assert target.expand_environment(target.api.environment) == {"ADMIN": "open-sesame-0815"}


def test_a_worker_may_have_no_ready_path(tmp_path: Path) -> None:
    worker = loaded(tmp_path).worker
    assert worker is not None
    assert worker.ready_path is None


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        (
            'path = "/tenants/{organization}/people"',
            'path = "/tenants/{organisation}/people"',
            "17: tokens.calls.user.path: unknown placeholder {organisation}; expected one of {ad",
        ),
        (
            'tags = ["{unique}", 3]',
            'tags = ["{unique}", "{role}"]',
            "14: tokens.calls.organization.body.tags.1: unknown placeholder {role}",
        ),
        (
            'path = "/tenants"',
            'path = "/tenants?key={admin_token}"',
            "13: tokens.calls.organization.path: {admin_token} is secret, and URLs are not",
        ),
        (
            '"Bearer {admin_token}"',
            '"Bearer {token}"',
            "10: tokens.calls.headers.Authorization: unknown placeholder {token}",
        ),
        (
            'admin_token = "open-sesame-0815"\n',
            "",
            "4: api.environment.ADMIN: unknown placeholder {admin_token}",
        ),
        (
            'gives = { token = "/bearer" }',
            'gives = { token = "bearer" }',
            "25: tokens.calls.sign_in.gives.token: expected a JSON Pointer",
        ),
        ("gives = { token =", "gives = { tokn =", "25: tokens.calls.sign_in.gives.tokn: expected"),
        (
            'gives = { user = "/id" }',
            'gives = { user = "/id", organization = "/of" }\ndeadline_s = 3',
            "21: tokens.calls.user.deadline_s: unknown key; expected one of body, gives, headers",
        ),
        (
            'gives = { organization = "/id" }',
            'gives = { user = "/id" }',
            '8: tokens.calls: expected organization.gives to have a pointer for "organization"',
        ),
        (
            'gives = { token = "/bearer" }',
            'gives = { user = "/bearer" }',
            "8: tokens.calls: no call gives token; expected user.gives or sign_in.gives",
        ),
        ("admin_token = ", "admin_tokn = ", "9: tokens.calls.admin_tokn: unknown key"),
        ("success = [201]", "success = [404]", "19: tokens.calls.user.success.0: expected at most"),
        (
            "[tokens.calls]",
            '[tokens.given]\ntoken = "t"\n[tokens.calls]',
            "8: tokens: expected exactly one of [tokens.mint], [tokens.given], [tokens.calls] and",
        ),
    ],
)
def test_a_mistake_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, refusal: str
) -> None:
    assert old in TEXT
    with pytest.raises(Misconfigured) as caught:
        loaded(tmp_path, TEXT.replace(old, new, 1))
    message = str(caught.value).replace(f"{tmp_path}/", "")
    assert f"shakedown.toml:{refusal}" in message
    assert "open-sesame" not in message


@pytest.mark.parametrize(
    ("database", "storage", "is_cloned"),
    [
        ('source = "embedded"', "", True),
        ('source = "none"', 'KEPT_IN = "{storage_dir}"', True),
        ('source = "none"', "", False),
        ('source = "external"\nurl = "postgresql://reader@db/x"', "", False),
    ],
)
def test_whether_a_second_system_has_data_of_its_own(
    tmp_path: Path, database: str, storage: str, *, is_cloned: bool
) -> None:
    tables = f"[database]\n{database}\n[api.environment]\n{storage}\n"
    text = TEXT.replace('environment = { ADMIN = "{admin_token}" }\n', "") + tables
    assert loaded(tmp_path, text).is_cloned is is_cloned
