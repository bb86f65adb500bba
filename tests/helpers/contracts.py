"""The API contracts that the providers publish. They lie beside the project, not in it: without them tests skip."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(
    os.environ.get("PAYMENT_CONTRACTS", Path(__file__).resolve().parents[3] / "shared" / "payments" / "contracts")
)


def contract(name: str) -> dict[str, Any]:
    """A contract file, or a skip that says so."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"NOT RUN: no contract {path} (PAYMENT_CONTRACTS names the folder)")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def problems(instance: Any, schema_name: str, *, contract_name: str = "stripe-2026-10.json") -> list[str]:
    """What of ``instance`` does not fit the named schema."""
    jsonschema = pytest.importorskip("jsonschema", reason="NOT RUN: jsonschema is not installed")
    document = _as_json_schema(contract(contract_name))
    schema = {"$ref": f"#/components/schemas/{schema_name}", "components": document["components"]}
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in jsonschema.Draft202012Validator(schema).iter_errors(instance)
    ]


def _as_json_schema(node: Any) -> Any:
    """OpenAPI's ``nullable`` in the words of JSON Schema."""
    if isinstance(node, list):
        return [_as_json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _as_json_schema(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain
