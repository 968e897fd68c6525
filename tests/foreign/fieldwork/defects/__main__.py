"""`python -m tests.foreign.fieldwork.defects` prints all defects, for `[zoo] list_command`."""

import json
import sys

from tests.foreign.fieldwork.defects import DEFECTS

sys.stdout.write(json.dumps([defect.listed() for defect in DEFECTS], indent=1) + "\n")
