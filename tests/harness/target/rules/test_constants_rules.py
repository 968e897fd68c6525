"""Constants that collide with what is sent anyhow, or that no request can hold, have their line."""

from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.target import Target, load_target

MINIMAL = """\
name = "mine"
driver = "external"
api = { base_urls = ["http://127.0.0.1:8000"] }
tokens.given = { token = "t" }
[contract.headers]
Idempotency-Key = "X-Once"
[contract.operations.getJob]
path = "/jobs/one"
send = { job_id = "?case" }
[contract.operations.requestExport]
path = "/jobs/{job_id}/packages"
send = { export_type = "/kind/of" }
"""
ALL, OF = "[contract.constants]\n", "[contract.operations.{}.constants]\n"

WRONG = {
    ALL + 'headers = { authorization = "Bearer x" }': "the harness sends authorization itself",
    ALL + 'headers = { x-once = "1" }': "as which the contract's idempotency-key is sent",
    ALL + 'headers = { "X Y" = "1" }': "no name of a header",
    ALL + 'headers = { X-Y = "a\\r\\nb" }': "one line",
    ALL + 'headers = { X-Y = "1", x-y = "2" }': "is the header X-Y, which is here already",
    ALL + 'query = { cursor = "1" }': "sends the contract's cursor there ('?cursor')",
    ALL + 'query = { case = "1" }': "getJob sends the contract's job_id there ('?case')",
    ALL + 'body = { title = "x" }': "createJob sends the contract's title there ('/title')",
    ALL + 'body = { file = "x" }': "uploadEvidence sends the contract's file there ('file')",
    ALL + "body = { day = 2024-01-01 }": "expected what JSON can say",
    ALL + 'body = { "/a~2" = 1 }': "a JSON Pointer",
    ALL + 'body = { a = 1, "/a/b" = 2 }': "lies in the same place as 'a'",
    ALL + "boddy = { a = 1 }": "did you mean body?",
    OF.format("requestExport") + 'body = { kind = "x" }': "the contract's export_type there",
    OF.format("requestExport") + 'body = { "/kind/of/it" = 1 }': "the contract's export_type there",
    OF.format("uploadEvidence") + 'body = { "/meta/a" = "x" }': "expected the name of a part",
    OF.format("listJobs") + 'body = { a = "x" }': "listJobs is a GET, which has no body",
}


def load(tmp_path: Path, text: str) -> Target:
    file = tmp_path / "shakedown.toml"
    file.write_text(MINIMAL + text, encoding="utf-8")
    return load_target(file)


@pytest.mark.parametrize(("text", "said"), WRONG.items(), ids=range(len(WRONG)))
def test_a_constant_that_cannot_be_sent_is_refused_with_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        load(tmp_path, text)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{tmp_path}/shakedown.toml:{MINIMAL.count(chr(10)) + 2}")
    assert "\n" not in str(refused.value)


def test_what_does_not_collide_is_taken(tmp_path: Path) -> None:
    text = ALL + 'headers = { apikey = "k", Accept = "application/json" }\nquery = { v = 2 }\n'
    text += OF.format("requestExport") + 'body = { "/kind/by" = "x", kinds = ["a"] }\n'
    text += OF.format("cancelExport") + "body = { force = true }\n"
    target = load(tmp_path, text)
    assert target.contract.added("requestExport").target("/x?a=1") == "/x?a=1&v=2"
    assert target.contract.added("cancelExport").makes_body


def test_a_variable_that_is_not_set_is_reported(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="GATEWAY_KEY_OF_NOBODY is not set"):
        load(tmp_path, ALL + 'headers = { apikey = "{env:GATEWAY_KEY_OF_NOBODY}" }')
