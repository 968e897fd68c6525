import pytest

from harness.errors import CheckFailed, Inconclusive, PreconditionNotMet
from harness.history import Operation
from load.served import expect_served
from load.users.expired_token import RAN_OUT
from load.users.gateway import REFUSED


def entry(error: str | None, f: str = "createJob") -> Operation:
    return Operation(
        i=0, t_ns=0, writer="w", process="user", type="fail" if error else "ok", f=f, error=error
    )


def test_answers_without_trouble_are_served() -> None:
    expect_served("createJob", [entry(None)])


def test_a_gateway_that_lets_nothing_through_is_nobodys_fault() -> None:
    with pytest.raises(Inconclusive, match=r"2 requests .* 429: slow down"):
        expect_served("createJob", [entry(f"{REFUSED}429: slow down")] * 2)


def test_a_token_that_ran_out_is_nobodys_fault() -> None:
    refused = entry(f"{RAN_OUT}the token ran out at noon; give one that lasts longer")
    with pytest.raises(Inconclusive, match="the token ran out at noon; give one that lasts longer"):
        expect_served("createJob", [entry(None), refused])
    with pytest.raises(CheckFailed, match="500: oops"):
        expect_served("createJob", [refused, entry(f"{REFUSED}429: slow"), entry("500: oops")])


def test_a_gateway_does_not_excuse_what_the_backend_does() -> None:
    with pytest.raises(CheckFailed, match="500: oops"):
        expect_served("createJob", [entry(f"{REFUSED}429: slow down"), entry("500: oops")])


@pytest.mark.parametrize(
    ("error", "f", "rule"),
    [
        ("503: no pool", "requestExport", "answer.no-server-error"),
        ("409: strange", "requestExport", ""),
        ("it is failed", "becomeReady", "export.becomes-ready"),
        ("Repr-Digest says sha-256 a, the body has b", "downloadExport", "download.digest"),
    ],
)
def test_what_fails_now_and_then_breaks_the_rule_of_the_answer(
    error: str, f: str, rule: str
) -> None:
    with pytest.raises(CheckFailed) as failed:
        expect_served("requestExport", [entry(None, f), entry(error, f)])
    assert not isinstance(failed.value, PreconditionNotMet)
    assert failed.value.rule == rule


def test_what_never_succeeds_is_not_the_fault_of_load() -> None:
    with pytest.raises(PreconditionNotMet) as unmet:
        expect_served("createJob", [entry("400: no title")])
    assert unmet.value.rule == "job.created"
