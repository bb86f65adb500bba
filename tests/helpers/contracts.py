"""The API contracts that the providers publish. They lie beside the project, not in it: without them tests skip."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

FOLDER = Path(
    os.environ.get("PAYMENT_CONTRACTS", Path(__file__).resolve().parents[3] / "shared" / "payments" / "contracts")
)


@cache
def contract(name: str) -> dict[str, Any]:
    """A contract file, or a skip that says so. Not to be changed."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"NOT RUN: no contract {path} (PAYMENT_CONTRACTS names the folder)")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def problems(instance: Any, schema_name: str, *, contract_name: str = "stripe-2026-10.json") -> list[str]:
    """What of ``instance`` does not fit the named schema."""
    return _misfits(instance, {"$ref": f"#/components/schemas/{schema_name}"}, contract_name)


def answer_problems(answer: requests.Response, *, contract_name: str) -> list[str]:
    """What of an answer does not fit what the contract says of its operation and status."""
    document = contract(contract_name)
    path = urlsplit(answer.url).path
    patterns = {known: re.sub(r"\\{\w+\\}", "[^/]+", re.escape(known)) for known in document["paths"]}
    known = [name for name, pattern in patterns.items() if re.fullmatch(pattern, path)]
    # Where an address fits two, the one without a placeholder is meant.
    operation = document["paths"][min(known, key=lambda name: name.count("{"))][str(answer.request.method).lower()]
    said = operation["responses"].get(str(answer.status_code)) or operation["responses"]["default"]
    return _misfits(answer.json(), said["content"]["application/json"]["schema"], contract_name)


def _misfits(instance: Any, schema: dict[str, Any], contract_name: str) -> list[str]:
    found = _checker(contract_name, json.dumps(schema)).iter_errors(instance)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


@cache
def _checker(contract_name: str, schema: str) -> Any:
    """A validator, made once for each schema."""
    jsonschema = pytest.importorskip("jsonschema", reason="NOT RUN: jsonschema is not installed")
    components = _as_json_schema(contract(contract_name)["components"])
    return jsonschema.Draft202012Validator({**_as_json_schema(json.loads(schema)), "components": components})


def _as_json_schema(node: Any) -> Any:
    """OpenAPI's ``nullable`` in the words of JSON Schema."""
    if isinstance(node, list):
        return [_as_json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _as_json_schema(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain
