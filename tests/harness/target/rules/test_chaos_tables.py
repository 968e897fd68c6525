"""What `[chaos]` and `[cleanup]` must not say, each refused with its line."""

from pathlib import Path

import pytest

from harness.target import load_target
from harness.target.tables.chaos import Chaos
from tests.target_files import refusals

TEXT = """\
name = "staging"
driver = "external"
[api]
base_urls = ["https://staging.example.com"]
[tokens.mint]
secret = "0123456789abcdef0123456789abcdef"
claims = { sub = "{user}" }
[chaos]
allowed_hosts = ["staging.example.com"]
max_share = 0.5
[[chaos.instances]]
name = "worker-1"
role = "worker"
host = "staging.example.com"
[[chaos.instances]]
name = "worker-2"
role = "worker"
host = "staging.example.com"
[chaos.faults.kill]
inject = ["kubectl", "delete", "pod", "{instance}"]
undo = ["kubectl", "rollout", "status", "deploy/worker"]
[cleanup]
job = { path = "/api/jobs/{job_id}" }
"""


def test_what_is_exact_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "shakedown.toml"
    file.write_text(TEXT, encoding="utf-8")
    chaos = load_target(file).chaos
    assert chaos.at_most("worker") == 1
    assert chaos.at_most("api") == 0
    assert chaos.faults["kill"].inject == ("kubectl", "delete", "pod", "{instance}")
    assert chaos.faults["kill"].timeout_s == 30


@pytest.mark.parametrize(
    ("share", "declared", "harmed"),
    [(0.5, 1, 0), (0.5, 2, 1), (0.5, 3, 1), (1, 1, 1), (0.1, 10, 1), (0.3, 10, 3), (0.29, 100, 29)],
)
def test_the_share_is_rounded_down(share: float, declared: int, harmed: int) -> None:
    one = {"role": "api", "host": "h.example"}
    instances = tuple({"name": f"api-{n}", **one} for n in range(declared))
    chaos = Chaos.model_validate({"max_share": float(share), "instances": instances})
    assert chaos.at_most("api") == harmed


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('["staging.example.com"]\nmax', '["*.example.com"]\nmax', (":9: chaos.allowed_hosts.0: "
         '"*.example.com" is a wildcard')),
        ('["staging.example.com"]\nmax', '["10.0.0.0/8"]\nmax', (":9: chaos.allowed_hosts.0: "
         '"10.0.0.0/8" is a network')),
        ('["staging.example.com"]\nmax', '[""]\nmax', ":9: chaos.allowed_hosts.0: expected a host"),
        ('["staging.example.com"]\nmax', '["{env:HOST}"]\nmax', (":9: chaos.allowed_hosts.0: "
         "expected the text itself")),
        ('["staging.example.com"]\nmax', '["prod.example.com"]\nmax', (":9: chaos.allowed_hosts.0: "
         '"prod.example.com" is no host of')),
        ("https://staging", "https://user:pw@staging", ":4: api.base_urls.0: expected http(s)"),
        ("max_share = 0.5", "max_share = 0.4", ":19: chaos.faults.kill.role: max_share = 0.4 of 2"),
        ("max_share = 0.5", "max_share = 0", ":10: chaos.max_share: expected more than 0"),
        ("max_share = 0.5", "max_share = 1.5", ":10: chaos.max_share: expected at most 1"),
        ("max_share = 0.5", "max_share = nan", ":10: chaos.max_share: expected"),
        ('name = "worker-1"', 'name = "--all"', ":12: chaos.instances.0.name: expected"),
        ('name = "worker-1"', 'name = "a b"', ":12: chaos.instances.0.name: expected"),
        ('name = "worker-1"', 'name = "a;b"', ":12: chaos.instances.0.name: expected"),
        ('name = "worker-1"', 'name = "worker-1\\n"', ":12: chaos.instances.0.name: expected"),
        ('name = "worker-1"', 'name = "worker-2"', (":12: chaos.instances.0.name: "
         '"worker-2" is there twice')),
        ('host = "staging.example.com"\n[[', 'host = "0x7f.1"\n[[', (":14: chaos.instances.0.host: "
         '"0x7f.1" is an address in a form')),
        ('inject = ["kubectl", "delete", "pod", "{instance}"]', 'inject = "kubectl delete"',
         ":20: chaos.faults.kill.inject: expected a list"),
        ('inject = ["kubectl", "delete", "pod", "{instance}"]', "inject = []",
         ":20: chaos.faults.kill.inject: expected at least 1"),
        ('["kubectl", "delete"', '["{instance}", "delete"', (":20: chaos.faults.kill.inject: "
         "expected the program itself")),
        ('"{instance}"]', '"{jwt_secret}"]', (":20: chaos.faults.kill.inject: {jwt_secret} is "
         "secret")),
        ('"{instance}"]', '"{env:TOKEN}"]', ":20: chaos.faults.kill.inject.3: expected the text"),
        ('"{instance}"]', '"{pod}"]', ":20: chaos.faults.kill.inject: unknown placeholder {pod}"),
        ('undo = ["kubectl", "rollout", "status", "deploy/worker"]\n', "", (":19: "
         "chaos.faults.kill.undo: missing")),
        ("[cleanup]", "timeout_s = 1e9\n[cleanup]", (":22: chaos.faults.kill.timeout_s: expected "
         "at most 600")),
        ("[cleanup]", 'role = "api"\n[cleanup]', ":22: chaos.faults.kill.role: no "),
        ("[cleanup]", "force = true\n[cleanup]", ":22: chaos.faults.kill.force: unknown key"),
        ("/{job_id}", "/{database_url}", ":23: cleanup.job.path: unknown placeholder"),
        ("job = {", "jobs = {", ":23: cleanup.jobs"),
        ("job = {", "organization = {", (":23: cleanup.organization: only an organization made by "
         "[tokens.calls]")),
    ],
)  # fmt: skip
def test_what_is_not_exact_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in TEXT
    lines = refusals(tmp_path, TEXT.replace(old, new, 1))
    assert any(line.startswith(f"shakedown.toml{told}") for line in lines), lines


def test_systems_of_our_own_have_no_use_for_it(tmp_path: Path) -> None:
    text = TEXT.replace('driver = "external"', 'driver = "process"').replace(
        'base_urls = ["https://staging.example.com"]', 'command = ["serve", "{port}"]'
    )
    lines = "\n".join(refusals(tmp_path, text))
    for key in ("chaos.allowed_hosts", "chaos.instances", "chaos.faults", "cleanup"):
        assert f"{key}: only driver" in lines
