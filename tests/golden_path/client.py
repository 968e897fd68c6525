"""The client that such backends already have: it knows BACKEND_URL, JWT_TOKEN and JOB_ID.

Uploads a file, repeats the upload, requests a proof pack, waits for it, downloads it and has its
manifest verified, all with the standard library. Prints what it saw as JSON; any surprise ends it
with a traceback.
"""

import hashlib
import io
import json
import os
import sys
import time
import urllib.request
import uuid
import zipfile
from typing import Any

BASE, TOKEN, JOB = os.environ["BACKEND_URL"], os.environ["JWT_TOKEN"], os.environ["JOB_ID"]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
DEADLINE_S = 30


def call(
    method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, Any, bytes]:
    """One request: status, headers, body."""
    request = urllib.request.Request(  # noqa: S310
        BASE + path,
        data=body,
        method=method,
        headers={"Authorization": f"Bearer {TOKEN}", **headers},
    )
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:  # noqa: S310
        return answer.status, answer.headers, answer.read()


def upload(key: str, captured_at: str | None) -> tuple[int, Any, dict[str, Any]]:
    """A multipart upload; the repeated one leaves `captured_at` out."""
    boundary = uuid.uuid4().hex
    fields = {"tag": "photo", "phase": "before"} | (
        {"captured_at": captured_at} if captured_at else {}
    )
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    body += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode()
    body += PNG + f"\r\n--{boundary}--\r\n".encode()
    status, headers, answer = call(
        "POST", f"/api/jobs/{JOB}/evidence/upload", body,
        **{"Content-Type": f"multipart/form-data; boundary={boundary}", "Idempotency-Key": key},
    )  # fmt: skip
    return status, headers, json.loads(answer)["data"]


def main() -> None:
    """The golden path."""
    key = str(uuid.uuid4())
    status, _, evidence = upload(key, "2026-01-31T12:00:00Z")
    again, replay_headers, replayed = upload(key, None)
    _, _, answer = call(
        "POST",
        f"/api/jobs/{JOB}/export/proof-pack",
        b'{"filters": {}}',
        **{"Content-Type": "application/json"},
    )
    export = json.loads(answer)["data"]
    deadline = time.monotonic() + DEADLINE_S
    while export["state"] not in {"ready", "failed", "canceled"}:
        assert time.monotonic() < deadline, f"not ready after {DEADLINE_S} s: {export}"
        time.sleep(0.1)
        export = json.loads(call("GET", f"/api/exports/{export['id']}")[2])["data"]
    _, _, archive = call("GET", f"/api/exports/{export['id']}/download")
    with zipfile.ZipFile(io.BytesIO(archive)) as pack:
        assert pack.testzip() is None
        manifest = json.loads(pack.read("manifest.json"))
        digests = {name: hashlib.sha256(pack.read(name)).hexdigest() for name in pack.namelist()}
    verdict = json.loads(
        call(
            "POST", "/api/verify/manifest",
            json.dumps({"manifest": manifest, "export_id": export["id"]}).encode(),
            **{"Content-Type": "application/json"},
        )[2]
    )["data"]  # fmt: skip
    json.dump(
        {
            "upload": status,
            "right_digest": evidence["file_sha256"] == hashlib.sha256(PNG).hexdigest(),
            "replay": again,
            "replayed": replay_headers["X-Idempotency-Replayed"],
            "same": replayed["id"] == evidence["id"],
            "state": export["state"],
            "files_match": all(digests[one["name"]] == one["sha256"] for one in manifest["files"]),
            "verdict": {k: verdict[k] for k in ("manifest_valid", "export_match", "ledger_match")},
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
