from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.explore import NAMEABLE_KINDS, Kind, load_protocol
from harness.target import load_target

MINIMAL = """\
[exports]
insert = "INSERT INTO q VALUES (%(export_id)s)"
reset = "DELETE FROM q"

[state]
query = "SELECT id, state FROM q"

[claim]
sql = "SELECT id FROM claim(%(worker)s, %(limit)s)"
token = ""
attempt = ""
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "claims.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(folder: Path, text: str) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        load_protocol(write(folder, text))
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_the_claim_alone_will_do(tmp_path: Path) -> None:
    protocol = load_protocol(write(tmp_path, MINIMAL))
    assert protocol.kinds() == {Kind.CLAIM}
    assert protocol.state.terminal == ("ready", "failed", "canceled")


def test_the_shipped_target_names_the_whole_protocol() -> None:
    claim = load_target().claim
    assert claim is not None
    assert claim.protocol is not None
    assert load_protocol(Path(claim.protocol)).kinds() == set(NAMEABLE_KINDS)


def test_every_mistake_at_once_with_its_line(tmp_path: Path) -> None:
    text = MINIMAL.replace("[claim]\n", "[claim]\nslq = 1\n").replace(
        'reset = "DELETE FROM q"', "reset = 5"
    )
    assert refusal(tmp_path, text) == [
        "claims.toml:3: exports.reset: expected a text in quotes, got 5",
        (
            "claims.toml:9: claim.slq: unknown key; expected one of age, attempt, id, sql, "
            "takes_over, token (did you mean sql?)"
        ),
    ]


def test_a_parameter_that_nobody_fills_in(tmp_path: Path) -> None:
    text = MINIMAL.replace("%(limit)s", "%(limti)s") + '[fail]\nsql = "SELECT %(cap)s"\n'
    assert refusal(tmp_path, text) == [
        (
            "claims.toml:9: claim.sql: unknown parameter %(limti)s; expected one of "
            "%(worker)s, %(limit)s, %(cap)s, %(timeout_s)s"
        ),
        (
            "claims.toml:13: fail.sql: unknown parameter %(cap)s; expected one of "
            "%(worker)s, %(export_id)s, %(token)s, %(timeout_s)s"
        ),
    ]


def test_recovery_needs_a_way_to_let_time_pass(tmp_path: Path) -> None:
    (line,) = refusal(tmp_path, MINIMAL + '[recover]\nsql = "SELECT 1"\n')
    assert line == "claims.toml:12: recover.age: missing; this key is required"


def test_no_toml(tmp_path: Path) -> None:
    (line,) = refusal(tmp_path, MINIMAL + "[claim\n")
    assert line.startswith("claims.toml:12: not TOML")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"cannot read the protocol file .*No such file"):
        load_protocol(tmp_path / "claims.toml")


def test_a_target_that_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    text = (
        'name = "mine"\n[api]\ncommand = "serve {port}"\n'
        '[tokens.mint]\nsecret = "0123456789abcdef0123456789abcdef"\nclaims = {}\n'
        '[claim]\nprotocol = "claims.toml"\n'
    )
    target = tmp_path / "shakedown.toml"
    target.write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"shakedown\.toml:8: claim\.protocol: expected a file"):
        load_target(target)
    write(tmp_path, MINIMAL)
    claim = load_target(target).claim
    assert claim is not None
    assert claim.protocol == str(tmp_path / "claims.toml")
