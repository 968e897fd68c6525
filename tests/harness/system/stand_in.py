"""A backend of thirty lines, for tests of the harness: behaves as `BEHAVIOR` says.

Words separated by spaces: `die:<code>` at once, `never` ready, `deaf` listens to nobody, `slow:<s>`
to get ready, `child` has one in its session and one outside, `stubborn` ignores SIGTERM,
`drain:<s>` ends that long after SIGTERM with exit code 7, `quit-late` dies once it was asked.
"""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time


def say(*what: str) -> None:
    sys.stdout.write(" ".join(what) + "\n")
    sys.stdout.flush()


words = dict(word.partition(":")[::2] for word in os.environ.get("BEHAVIOR", "").split())
began = time.monotonic()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if "quit-late" in words:
            say("giving up")
            os._exit(5)
        ready = "never" not in words and time.monotonic() - began > float(words.get("slow") or 0)
        body = json.dumps({"pid": os.getpid(), "environment": dict(os.environ)}).encode()
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(body) if ready else 9))
        self.end_headers()
        self.wfile.write(body if ready else b"not today")

    def log_message(self, *_: object) -> None:
        pass


def on_term(*_: object) -> None:
    say("draining")
    threading.Timer(float(words.get("drain") or 0), os._exit, [7]).start()


say("starting", *sys.argv[1:])
if "die" in words:
    say("no such table: exports", os.environ.get("SECRET", ""))
    sys.exit(int(words["die"]))
signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in words else on_term)
if "child" in words:
    subprocess.Popen(["sleep", "300"])
    subprocess.Popen(["sleep", "300"], start_new_session=True)
if "deaf" in words:
    time.sleep(300)
address = (os.environ.get("HOST", "127.0.0.1"), int(os.environ["PORT"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
