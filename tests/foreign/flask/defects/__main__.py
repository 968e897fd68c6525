"""`python -m tests.foreign.flask.defects` prints all defects as JSON, for `[zoo] list_command`."""

import json
import sys

from tests.foreign.flask.defects import DEFECTS

sys.stdout.write(json.dumps([defect.told() for defect in DEFECTS], indent=1) + "\n")
