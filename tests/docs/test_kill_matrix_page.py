"""docs/kill-matrix.md is what `shakedown prove --list` prints of the zoo as it is now."""

from pathlib import Path

from harness.prove.markdown import zoo_as_markdown
from harness.prove.zoo import Defect
from reference_backend.defects import zoo

PAGE = Path(__file__).parents[2] / "docs" / "kill-matrix.md"


def test_the_page_is_current() -> None:
    listed = [
        Defect(
            id=name,
            title=defect.title,
            family=defect.family,
            source=defect.source,
            expected=tuple(defect.expected),
        )
        for name, defect in zoo().items()
    ]
    assert PAGE.read_text(encoding="utf-8") == zoo_as_markdown(listed), (
        "write it anew: shakedown prove --list > docs/kill-matrix.md"
    )
