"""`python -m tests.foreign.keyed api | worker | migrate`: the reference backend with public keys.

`JWT_KEYS` is a URL, a file or PEM; `JWT_ALGORITHM` the one that is accepted. With
`TENANTS=profiles` a table of its own says which organization a user is in, not the token.
"""

import os
import sys

from reference_backend.__main__ import main
from tests.foreign.keyed import profiles, verifying
from tests.foreign.keyed.defects import switch_on


def run(arguments: list[str]) -> int:
    """Run one command of the reference backend, changed."""
    if arguments == ["api"]:
        verifying.install(os.environ["JWT_KEYS"], os.environ["JWT_ALGORITHM"])
        if os.environ.get("TENANTS") == "profiles":
            profiles.install(os.environ["DATABASE_URL"])
        switch_on(os.environ.get("KEYED_DEFECT", ""))
    code = main(arguments)
    if arguments == ["migrate"] and code == 0:
        profiles.migrate(os.environ["DATABASE_URL"])
    return code


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
