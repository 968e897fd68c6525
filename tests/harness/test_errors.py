import aiohttp
import psycopg
import psycopg_pool
import pytest
from aiohttp.client_reqrep import ConnectionKey

from harness.errors import CheckFailed, InstanceFailed, Misconfigured, classify

KEY = ConnectionKey("127.0.0.1", 1, is_ssl=False, ssl=True, proxy=None, proxy_auth=None,
                    proxy_headers_hash=None)  # fmt: skip


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        aiohttp.ClientConnectorError(KEY, OSError(111, "refused")),
        aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "no such host")),
        aiohttp.ConnectionTimeoutError(),
        psycopg.errors.ConnectionTimeout("slow"),
        psycopg_pool.PoolTimeout("full"),
    ],
)
def test_what_surely_did_not_happen(error: Exception) -> None:
    assert classify(error) == "fail"


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionResetError(),
        BrokenPipeError(),
        aiohttp.SocketTimeoutError(),
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientOSError(104, "reset"),
        aiohttp.ClientPayloadError("cut"),
        psycopg.OperationalError("the connection was cut"),
        RuntimeError("unheard of"),
    ],
)
def test_what_may_have_happened(error: Exception) -> None:
    assert classify(error) == "info"


def test_a_class_of_our_own_is_as_its_parent() -> None:
    class Refused(aiohttp.ClientConnectorError):
        pass

    assert classify(Refused(KEY, OSError(111, "refused"))) == "fail"


def test_messages() -> None:
    assert str(Misconfigured("unknown key", where="a.toml:3")) == "a.toml:3: unknown key"
    assert str(InstanceFailed("api-1 died")) == "api-1 died"
    failed = CheckFailed("a 201", "a 500", "request 7")
    assert str(failed) == "expected a 201\ngot a 500\nrequest 7"
    assert (failed.expected, failed.got, failed.detail) == ("a 201", "a 500", "request 7")


def test_a_failure_holds_text_whatever_a_check_hands_on() -> None:
    failed = CheckFailed(expected="a hash", got=None)  # type: ignore[arg-type]
    assert (failed.got, failed.detail) == ("None", "")
    assert str(failed) == "expected a hash\ngot None"
