"""`launcher.py FILE SECONDS COMMAND…`: run a command; write its exit code and peak KiB to FILE.

A process of its own and a small one: what starts a process counts into the process's peak.
"""

import resource
import subprocess
import sys
import threading
from pathlib import Path


def main() -> None:
    process = subprocess.Popen(sys.argv[3:])
    killer = threading.Timer(float(sys.argv[2]), process.kill)
    killer.start()
    code = process.wait()
    killer.cancel()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    Path(sys.argv[1]).write_text(f"{code} {peak}", encoding="ascii")


if __name__ == "__main__":
    main()
