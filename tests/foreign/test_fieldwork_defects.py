"""Each of the field documentation's own defects shows, and only where it is switched on."""

import json
import subprocess
import sys

import pytest

from harness.postgres.cluster import Cluster
from harness.prove.zoo import parse_zoo
from tests.foreign.fieldwork.defects import DEFECTS, EXCLUDE_EACH_OTHER, switch_on
from tests.foreign.fieldwork_house import ROOT, house
from tests.foreign.fieldwork_probes import NOT_BY_REQUESTS, QUEUE, probe_of

pytestmark = pytest.mark.integration

PROBED = tuple(each.id for each in DEFECTS if each.id not in NOT_BY_REQUESTS)
GROUPS = (
    # What would hide another one, or be hidden, is in another group.
    (
        *("download-by-the-server", "row-security-not-forced", "foreign-package-forbidden"),
        *("token-of-any-age", "type-as-declared", "refused-stays", "request-id-for-anything"),
        *("same-bytes-looked-for-first", "log-can-be-emptied", "completed-told-twice"),
        *("digest-of-pretty-text", "text-that-breaks"),
    ),
    (
        *("packages-for-all-users", "row-security-forgotten", "organization-of-the-token"),
        *("token-for-anybody", "address-for-ever", "limit-by-length-alone"),
        *("requests-known-by-one-process", "log-forks", "finished-can-be-cancelled"),
        *("files-not-looked-at", "empty-file-taken"),
    ),
    (
        *("adjuster-may-write", "anybody-may-claim", "unknown-key-unverified", "name-is-the-key"),
        *("request-id-of-any-organization", "time-of-the-session", "link-never-compared"),
    ),
    ("payload-not-hashed",),
    ("cap-counted-without-lock", "lease-not-compared"),
    ("claim-looks-then-takes", "newest-first"),
)


def test_the_list_is_what_a_zoo_prints() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "tests.foreign.fieldwork.defects"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    assert [each.id for each in parse_zoo(printed, what="the list")] == [e.id for e in DEFECTS]
    assert all(row["title"] and row["source"] for row in json.loads(printed))


def test_every_defect_is_probed() -> None:
    assert sorted(each for group in GROUPS for each in group) == sorted(PROBED)


@pytest.mark.parametrize("group", EXCLUDE_EACH_OTHER)
def test_defects_that_exclude_each_other_are_refused(group: frozenset[str]) -> None:
    with pytest.raises(ValueError, match="exclude each other"):
        switch_on(",".join(group))


def test_a_misspelt_defect_is_refused() -> None:
    with pytest.raises(KeyError, match="type-as-declard"):
        switch_on("type-as-declared,type-as-declard")


async def test_the_clean_backend_shows_none(cluster: Cluster) -> None:
    shown = []
    for queue in (False, True):
        async with house(cluster, apis=2, **knobs(queue)) as clean:
            clean.rounds = 2
            wanted = [each for each in PROBED if (each in QUEUE) is queue]
            shown += [each for each in wanted if await probe_of(each)(clean)]
    assert shown == []


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0])
async def test_each_shows_where_it_is_switched_on(group: tuple[str, ...], cluster: Cluster) -> None:
    queue = group[0] in QUEUE
    async with house(cluster, apis=2, FOREIGN_DEFECT=",".join(group), **knobs(queue)) as wrong:
        assert [each for each in group if not await probe_of(each)(wrong)] == []


def knobs(queue: bool) -> dict[str, str]:
    return {
        "MAX_FILE_BYTES": str(1024 * 1024),
        "WORKER_EVERY_S": "600" if queue else "0.1",
    }
