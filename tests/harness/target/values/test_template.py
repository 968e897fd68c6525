from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.target import load_target
from harness.target.values.template import fill, placeholders, variables


def test_fills_in_what_it_knows() -> None:
    assert fill("http://{host}:{port}/x", {"host": "h", "port": "1"}) == "http://h:1/x"


@pytest.mark.parametrize(
    "text", ['{"a": {"b": 1}}', "{}", "{ port }", "a{1}", "${HOME}x{", "{a-b}"]
)
def test_leaves_other_braces_alone(text: str) -> None:
    assert fill(text, {"HOME": "{HOME}"}) == text


def test_doubled_braces_are_literal() -> None:
    assert fill("{{port}} {port}", {"port": "1"}) == "{port} 1"
    assert placeholders("{{port}}") == ()


def test_what_is_filled_in_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "{port}{{x}}{env:HOME}")
    assert fill("{env:SECRET}{a}", {"a": "{b}"}) == "{port}{{x}}{env:HOME}{b}"


def test_names_what_is_unknown_and_what_would_be_known() -> None:
    with pytest.raises(
        Misconfigured, match=r"unknown placeholder \{prot\}; expected one of \{port\}"
    ):
        fill("{prot}", {"port": "1"})


@pytest.mark.parametrize(("value", "state"), [(None, "not set"), ("", "empty")])
def test_a_variable_that_is_missing_or_empty_is_refused(
    value: str | None, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JWT_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("JWT_TOKEN", value)
    with pytest.raises(Misconfigured, match=f"JWT_TOKEN is {state}"):
        fill("{env:JWT_TOKEN}", {})


def test_tells_placeholders_from_variables() -> None:
    text = "{port} {env:HOME} {{host}} {python}"
    assert placeholders(text) == ("port", "python")
    assert variables(text) == ("HOME",)


def test_what_is_of_one_instance_is_not_known_in_the_common_environment(tmp_path: Path) -> None:
    file = tmp_path / "shakedown.toml"
    file.write_text(
        'name = "mine"\ndriver = "process"\nenvironment = { FILES = "{storage_dir}" }\n'
        'api = { command = ["true"] }\n'
        'tokens.given = { token = "t" }\n',
        encoding="utf-8",
    )
    with pytest.raises(Misconfigured, match=r"storage_dir.* is known under \[api\] and \[worker\]"):
        load_target(file)
