"""The field documentation's OpenAPI document has exactly what it serves."""

import json
import re
from pathlib import Path

from flask import Flask

from tests.foreign.fieldwork.app import OPENAPI
from tests.foreign.fieldwork.defects import DEFECTS
from tests.foreign.fieldwork.routes import activity, documents, packages, work_orders


def test_every_route_is_described_and_nothing_else() -> None:
    app = Flask("document")
    for part in (work_orders, documents, packages, activity):
        app.register_blueprint(part.blueprint)
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in rule.methods or ()
        if method in {"GET", "POST"}
    }
    described = json.loads(OPENAPI.read_text())["paths"]
    assert {(path, method) for path, each in described.items() for method in each} == {
        *served,
        ("/health", "get"),
    }


def test_every_defect_finds_its_place_and_is_described(tmp_path: Path) -> None:
    assert len({defect.id for defect in DEFECTS}) == len(DEFECTS) >= 20
    assert all(each.title and each.source and each.expected for each in DEFECTS)
