import socket
import subprocess
from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.instances.listeners import listens
from harness.machine import ports
from harness.machine.logs import describe_end, tail
from harness.machine.ports import free_port, is_free
from harness.machine.processes import Process


def test_tail_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "api-1.log"
    assert tail(log) == "    (it printed nothing)"
    log.write_text("\n\n")
    assert tail(log) == "    (it printed nothing)"
    log.write_text("".join(f"line {n}\n" for n in range(100)))
    assert tail(log, 2) == "    line 98\n    line 99"
    assert tail(log, since=log.stat().st_size - 8) == "    line 99"
    assert len(tail(log).splitlines()) == 20


def test_tail_of_a_huge_or_broken_log(tmp_path: Path) -> None:
    log = tmp_path / "api-1.log"
    log.write_bytes(b"x" * 10_000_000 + b"\n\xff\xfelast")
    assert tail(log, 1) == "    \ufffd\ufffdlast"
    assert len(tail(log)) < 70_000


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, "exited with 0"),
        (3, "exited with 3"),
        (-9, "was killed by SIGKILL"),
        (-11, "was killed by SIGSEGV"),
        (-99, "was killed by signal 99"),
    ],
)
def test_how_a_process_ended(code: int, expected: str) -> None:
    assert describe_end(code) == expected


def test_free_ports() -> None:
    port = free_port()
    assert is_free(port)
    assert 20_000 <= port < 32_768
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert not is_free(port)
    assert is_free(port)


def test_a_port_after_its_connections_ended_is_free() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            accepted.close()  # the server's side lingers in TIME_WAIT
    assert is_free(port)


def test_no_port_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_RANGE", range(20_000, 20_002))
    with pytest.raises(Misconfigured, match="no free port between 20000 and 20002"):
        free_port(frozenset({20_000, 20_001}))


def test_a_machine_without_loopback_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "LOOPBACK", "192.0.2.1")  # an address that no machine has
    ports.refuse_no_loopback.cache_clear()
    with pytest.raises(
        Misconfigured, match=r"cannot reach each other by 192\.0\.2\.1 .*ip link set"
    ):
        free_port()


def test_whose_a_port_is() -> None:
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))
        port = ours.getsockname()[1]
        assert listens(Process.ours(), port)  # nobody listens: nothing speaks against it
        ours.listen()
        assert listens(Process.ours(), port)
        other = subprocess.Popen(["sleep", "300"])
        process = Process.of(other.pid)
        assert process
        assert not listens(process, port)
        other.kill()
        assert not listens(process, port)  # dead, but nobody has waited for it yet
        other.wait()
        assert not listens(process, port)
