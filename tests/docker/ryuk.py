"""Stands in for Ryuk, whose image is not to be had everywhere: the same protocol, the same work.

It is told a label, says ACK, waits until whoever told it has gone, removes what the label marks
and ends. The engine is asked over its socket; the image has nothing but Python.
"""

import http.client
import json
import os
import socket
from typing import Any
from urllib.parse import quote


class _Engine(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/var/run/docker.sock")


def ask(method: str, path: str) -> Any:  # noqa: ANN401 - JSON
    engine = _Engine("engine")
    engine.request(method, path)
    text = engine.getresponse().read()
    engine.close()
    return json.loads(text) if text else None


def reap(label: str) -> None:
    marked = "filters=" + quote(json.dumps({"label": [label]}))
    for each in ask("GET", f"/containers/json?all=1&{marked}"):
        ask("DELETE", f"/containers/{each['Id']}?force=1&v=1")
    for each in ask("GET", f"/volumes?{marked}")["Volumes"] or ():
        ask("DELETE", f"/volumes/{each['Name']}?force=1")
    for each in ask("GET", f"/networks?{marked}"):
        ask("DELETE", f"/networks/{each['Id']}")


def main() -> None:
    with socket.create_server(("0.0.0.0", int(os.environ["RYUK_PORT"]))) as server:  # noqa: S104
        while not (told := (connection := server.accept()[0]).recv(200)):
            pass
    line = told.decode().strip()
    print(line, flush=True)  # noqa: T201
    connection.sendall(b"ACK\n")
    while connection.recv(100):
        pass
    reap(line.removeprefix("label="))


if __name__ == "__main__":
    main()
