"""``python -m reference_backend.defects``: every defect of the zoo, as JSON."""

import json
import sys

from reference_backend.defects import zoo

json.dump(
    [
        {
            "id": name,
            "title": defect.title,
            "family": defect.family,
            "source": defect.source,
            "expected": defect.expected,
        }
        for name, defect in zoo().items()
    ],
    sys.stdout,
    indent=2,
)
