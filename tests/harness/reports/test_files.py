"""The files that programs read: results.json and junit.xml."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import jsonschema_rs
import pytest

from harness.events import RunFinished, RunSummary
from harness.reports.coverage_md import CoverageMarkdown
from harness.reports.junit import JunitXml
from harness.reports.results_json import ResultsJson, results

DOCUMENT = Path(__file__).parents[3] / "docs" / "results.md"

Show = Callable[[object], None]


@pytest.fixture
def schema() -> jsonschema_rs.Draft202012Validator:
    """The schema that the documentation prints."""
    found = re.search(r"```json\n(\{\s*\"\$schema\".*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    return jsonschema_rs.Draft202012Validator(json.loads(found[1]))


def test_results_json_is_what_the_documentation_says(
    show: Show, tmp_path: Path, schema: jsonschema_rs.Draft202012Validator
) -> None:
    show(ResultsJson(tmp_path))
    shown = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    schema.validate(shown)
    assert list(shown) == [
        "schema", "verdict", "exit_code", "version", "profile", "seed", "started_at", "seconds",
        "bring_up_seconds", "target", "checks", "causes", "unmet_words", "ratchet",
    ]  # fmt: skip
    assert shown["target"] == {
        "name": "reference", "api_instances": 3, "workers": 2, "postgres": "18.1",
    }  # fmt: skip
    failed = shown["checks"][1]
    assert failed["message"] == "expected once\ngot twice\nexport <7>\x1b[2J"
    assert [each["subject"] for each in failed["findings"]] == ["an export", "getJob", "listJobs"]
    assert len({each["fingerprint"] for each in failed["findings"]}) == 3
    assert shown["causes"][0]["rule"] == "claim.exactly-once"
    assert shown["causes"][1]["subjects"] == ["getJob", "listJobs"]


def test_where_a_check_looked_is_in_results_json_and_in_a_table(
    show: Show, summary: RunSummary, tmp_path: Path
) -> None:
    assert results(summary)["checks"][0]["coverage"] == [
        {"name": "operations", "axes": ["operation", "token"], "cells": [["getJob", "viewer"]]}
    ]
    show(CoverageMarkdown(tmp_path))
    text = (tmp_path / "coverage.md").read_text(encoding="utf-8")
    assert "## golden.upload (pass)" in text
    assert "| getJob | ✔ |" in text


def test_the_schema_is_open_for_additions_and_holds_what_it_names(
    summary: RunSummary, schema: jsonschema_rs.Draft202012Validator
) -> None:
    assert schema.is_valid(results(summary) | {"more": 1})
    assert not schema.is_valid(results(summary) | {"verdict": "maybe"})


def test_a_system_that_never_came_up_has_no_bring_up_time(
    summary: RunSummary, schema: jsonschema_rs.Draft202012Validator
) -> None:
    shown = results(replace(summary, bring_up_seconds=None, exit_code=3))
    schema.validate(shown)
    assert shown["bring_up_seconds"] is None


def test_in_junit_a_failure_is_a_failure_and_inconclusive_an_error(
    show: Show, tmp_path: Path
) -> None:
    show(JunitXml(tmp_path))
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]  # noqa: S314 - our own
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4", "failures": "1", "errors": "1", "skipped": "1",
    }  # fmt: skip
    outcomes = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert outcomes == {
        "golden.upload": [],
        "claim.exactly-once": ["failure", "failure"],  # two kinds of findings
        "golden.manifest": ["error"],
        "claim.fallback": ["skipped"],
    }
    failure = suite.find(".//failure")
    assert failure is not None
    assert failure.text is not None
    assert "Two claims at once." in failure.text
    assert "shakedown run --only claim.exactly-once --seed 7" in failure.text


@pytest.mark.parametrize("checks", [0, 4])
def test_in_junit_a_run_that_went_wrong_is_an_error_also_without_any_check(
    summary: RunSummary, tmp_path: Path, checks: int
) -> None:
    wrong = replace(summary, checks=summary.checks[:checks], exit_code=3, error="api-1 died\nlog")
    JunitXml(tmp_path).handle(RunFinished(summary=wrong))
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 - our own
    (error,) = [
        case.find("error") for case in root.iter("testcase") if case.get("name") == "the run"
    ]
    assert error is not None
    assert (error.get("message"), error.get("type")) == ("api-1 died", "MISCONFIGURED")
    for suite in (root, root[0]):
        assert suite.get("tests") == str(len([*root.iter("testcase")]))
        assert suite.get("errors") == str(len([*root.iter("error")]))


def test_the_root_of_junit_has_only_what_jenkins_schema_knows(show: Show, tmp_path: Path) -> None:
    show(JunitXml(tmp_path))
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 - our own
    assert set(root.attrib) <= {"name", "time", "tests", "failures", "errors", "disabled"}
