"""The guard with its eyes open: the file on the disk, and what names resolve to."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.client.http.transport import Transport
from harness.client.routes import Route
from harness.guard import Guard, Refused
from harness.target import Capability, Target, load_target

TEXT = """\
name = "staging"
driver = "external"
[api]
base_urls = ["http://staging.example.com:8080"]
[tokens.mint]
secret = "0123456789abcdef0123456789abcdef"
claims = { sub = "{user}" }
[chaos]
allowed_hosts = ["staging.example.com", "worker.example.com"]
[[chaos.instances]]
name = "worker-1"
role = "worker"
host = "worker.example.com"
[[chaos.instances]]
name = "worker-2"
role = "worker"
host = "other.example.com"
[chaos.faults.kill]
inject = ["platform", "kill", "{instance}"]
undo = ["platform", "start", "{instance}"]
"""


class Names:
    """A resolver whose answers change: the last one stays."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> frozenset[str]:
        self.asked.append(host)
        return frozenset({self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]})


def target(folder: Path, text: str = TEXT, *, allow_faults: bool = True) -> Target:
    file = folder / "shakedown.toml"
    file.write_text(text, encoding="utf-8")
    return load_target(file, allow_faults=allow_faults)


async def test_what_is_listed_and_asked_for_may_be_harmed(tmp_path: Path) -> None:
    guard = await Guard.of(target(tmp_path), Names("10.0.0.7"))
    await guard.permit("worker.example.com")
    await guard.permit_load()


async def test_a_file_that_changes_between_check_and_act(tmp_path: Path) -> None:
    loaded = target(tmp_path)
    guard = await Guard.of(loaded, Names("10.0.0.7"))
    await guard.permit("worker.example.com")
    target(tmp_path, TEXT + "# one more host\n")
    with pytest.raises(Refused, match=r"shakedown\.toml has changed since it was checked"):
        await guard.permit("worker.example.com")
    target(tmp_path)
    await guard.permit("worker.example.com")


async def test_a_change_before_the_guard_was_made_counts_from_the_first_reading(
    tmp_path: Path,
) -> None:
    loaded = target(tmp_path)
    target(tmp_path, TEXT.replace("worker.example.com", "prod.example.com"))
    guard = await Guard.of(loaded, Names("10.0.0.7"))
    for host in ("worker.example.com", "prod.example.com"):
        with pytest.raises(Refused):
            await guard.permit(host)


async def test_a_file_that_is_gone(tmp_path: Path) -> None:
    loaded = target(tmp_path)
    guard = await Guard.of(loaded, Names("10.0.0.7"))
    (tmp_path / "shakedown.toml").unlink()
    with pytest.raises(Refused, match="cannot be read any more"):
        await guard.permit("worker.example.com")


async def test_a_name_that_is_bound_to_another_address(tmp_path: Path) -> None:
    guard = await Guard.of(target(tmp_path), Names("10.0.0.7", "10.0.0.7", "127.0.0.1"))
    with pytest.raises(Refused, match=r"resolves to 127\.0\.0\.1 now"):
        await guard.permit("worker.example.com")


async def test_a_host_of_the_api_that_is_not_listed_forbids_everything(tmp_path: Path) -> None:
    text = TEXT.replace(
        '["http://staging.example.com:8080"]',
        '["http://staging.example.com:8080", "http://alias.example.com"]',
    )
    loaded = target(tmp_path, text)
    names = Names("10.0.0.7")
    guard = await Guard.of(loaded, names)
    assert not {Capability.LOAD, Capability.FAULTS} & loaded.capabilities()
    with pytest.raises(Refused, match=r"alias\.example\.com must not be harmed"):
        await guard.permit("worker.example.com")
    assert "alias.example.com" not in names.asked


async def test_an_instance_elsewhere_is_not_harmed(tmp_path: Path) -> None:
    guard = await Guard.of(target(tmp_path), Names("10.0.0.7"))
    with pytest.raises(Refused, match=r"other\.example\.com must not be harmed"):
        await guard.permit("other.example.com")


async def test_without_the_option_nothing_is_even_looked_up(tmp_path: Path) -> None:
    names = Names("10.0.0.7")
    loaded = target(tmp_path, allow_faults=False)
    guard = await Guard.of(loaded, names)
    assert names.asked == []
    assert not {Capability.LOAD, Capability.FAULTS} & loaded.capabilities()
    with pytest.raises(Refused, match="--allow-faults"):
        await guard.permit_load()


async def test_without_a_list_the_option_allows_nothing(tmp_path: Path) -> None:
    text = TEXT.replace('["staging.example.com", "worker.example.com"]', "[]")
    loaded = target(tmp_path, text)
    assert not {Capability.LOAD, Capability.FAULTS} & loaded.capabilities()
    with pytest.raises(Refused, match="listed: none"):
        await (await Guard.of(loaded, Names("10.0.0.7"))).permit("worker.example.com")


async def test_load_without_faults_needs_only_the_hosts_of_the_api(tmp_path: Path) -> None:
    loaded = target(tmp_path, TEXT[: TEXT.index("[[chaos.instances]]")].replace(
        ', "worker.example.com"', ""
    ))  # fmt: skip
    offered = loaded.capabilities()
    assert Capability.LOAD in offered
    assert Capability.FAULTS not in offered


async def test_systems_of_our_own_offer_load_and_no_fault_commands() -> None:
    offered = load_target().capabilities()
    assert Capability.LOAD in offered
    assert Capability.FAULTS not in offered
    with pytest.raises(Refused):
        await (await Guard.of(load_target(allow_faults=True))).permit_load()


async def test_a_redirect_to_another_host_is_an_answer_and_never_followed(
    redirecting: tuple[str, Sequence[str]],
) -> None:
    base_url, visited = redirecting
    async with Transport([base_url]) as transport:
        route = Route(operation_id="getJob", method="GET", template="/api/jobs/1")
        answer = await transport.send(route, route.template, instance=0, deadline_s=5, headers={})
    assert answer.status == 307
    assert visited == ["/api/jobs/1"]
