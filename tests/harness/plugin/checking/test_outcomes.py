"""A check that has seen too little says what is missing."""

from harness.plugin.checking.outcomes import too_little


def test_too_little_names_what_the_target_declares_absent() -> None:
    assert too_little("0", 1, "verifyManifest") == (
        "observed 0 of the 1 that a pass needs; the target declares verifyManifest absent"
    )
    assert (
        too_little("3 (answers: 3)", 20, "")
        == "observed 3 (answers: 3) of the 20 that a pass needs"
    )
