"""The emulator's own OpenAPI document, and a tool that takes it at its word.

docs/specs/wms-api.md §3.5.
"""

import base64
import json
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
BASIC = "Basic " + base64.b64encode(b"tap_user:emulator").decode()
SOME = (
    "allocation", "order_hdr", "order_dtl", "item", "container", "iblpn", "rf_key_map",
    "inventory_history", "order_status", "movement_request_hdr", "user", "wave_stats",
)  # fmt: skip


def _judge(wms: Any, names: tuple[str, ...], examples: int) -> int:
    document = wms.get("schema/?format=json").json
    kept = {path for path in document["paths"] if path.split("/")[2] in {*names, ""}}
    document["paths"] = {path: document["paths"][path] for path in kept}
    schemas = document["components"]["schemas"]
    shared = {"Error", "Relation", "RowsBelow", "FlatRow"}
    document["components"]["schemas"] = {name: schemas[name] for name in {*names, *shared}}
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=f"http://localhost:{wms.server.port}/emu/wms/lgfapi/v10")
    calls = 0

    def judge(operation: Any) -> None:
        @hypothesis.settings(
            max_examples=examples, deadline=None, database=None, derandomize=True,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @hypothesis.given(case=operation.as_strategy())
        def one(case: Any) -> None:
            nonlocal calls
            calls += 1
            case.call_and_validate(headers={"Authorization": BASIC}, checks=CHECKS)

        one()

    for result in schema.get_all_operations():
        judge(result.ok())
    return calls


def test_the_answers_keep_to_the_document(wms: Any) -> None:
    assert _judge(wms, SOME, examples=8) > 200


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_answers_keep_to_the_document_everywhere(wms: Any) -> None:
    for name in wms.get("entity/").json:
        assert _judge(wms, (name,), examples=15) > 0


def test_both_forms_and_the_page(wms: Any) -> None:
    document = wms.get("schema/?format=json").json
    assert document["openapi"].startswith("3.")
    text = wms.get("schema")
    assert text.headers["Content-Type"] == "application/yaml"
    assert json.loads(text.raw) == document  # JSON text is YAML too
    page = wms.get("openapi")
    assert page.headers["Content-Type"].startswith("text/html")


def test_every_entity_is_in_it(wms: Any) -> None:
    paths = wms.get("schema/?format=json").json["paths"]
    for name in wms.get("entity/").json:
        assert f"/entity/{name}/" in paths
    assert "/entity/rf_key_map/{id}/" not in paths
    assert "/entity/wave_stats/{id}/" not in paths
