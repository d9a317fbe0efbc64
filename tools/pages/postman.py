"""`deploy/examples/postman/gateway.postman_collection.json`, made from the OpenAPI document of the route table.

The form is Postman's collection format 2.1. Two variables get a developer in: `baseUrl` and `token`; both are in
`sandbox.postman_environment.json`, which `gateway conformance serve` has values for.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from gateway.api.app import route_table
from gateway.api.openapi import build_document

SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_HEAD: Final = (
    "REST v1 của trục. Đặt hai biến baseUrl (https://máy:cổng) và token; thêm tệp CA ở Settings → Certificates.\n\n"
    "REST v1 of the gateway. Set the variables baseUrl (https://host:port) and token; add the CA file under "
    "Settings → Certificates."
)
_VARIABLE: Final = re.compile(r"\{(\w+)\}")


def document() -> dict[str, Any]:
    """The OpenAPI document that the server gives out."""
    return build_document(route_table("https://localhost"), "https://localhost")


def collection() -> str:
    """The whole file."""
    openapi = document()
    folders: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in openapi["tags"]}
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            folders[operation["tags"][0]].append(_item(path, method, operation, openapi))
    descriptions = {tag["name"]: tag["description"] for tag in openapi["tags"]}
    found = {
        "info": {"name": openapi["info"]["title"], "description": _HEAD, "schema": SCHEMA},
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
        "variable": [{"key": "baseUrl", "value": "https://localhost:8443"}, {"key": "token", "value": ""}],
        "item": [
            {"name": name, "description": descriptions[name], "item": items}
            for name, items in folders.items()
            if items
        ],
    }
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def environment() -> str:
    """The two variables, to be filled in."""
    values = [
        {"key": "baseUrl", "value": "https://localhost:8443", "type": "default", "enabled": True},
        {"key": "token", "value": "", "type": "secret", "enabled": True},
    ]
    found = {"name": "gateway sandbox", "values": values, "_postman_variable_scope": "environment"}
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _item(path: str, method: str, operation: dict[str, Any], openapi: dict[str, Any]) -> dict[str, Any]:
    parameters = operation["parameters"]
    request: dict[str, Any] = {
        "method": method.upper(),
        "header": [_field(each) for each in parameters if each["in"] == "header"],
        "url": _url(path, parameters),
        "description": operation.get("description", operation["summary"]),
    }
    if operation.get("security") == []:
        request["auth"] = {"type": "noauth"}
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        kind, body = _body(content, openapi)
        request["body"] = body
        if kind:
            request["header"].append({"key": "Content-Type", "value": kind})
    return {"name": operation["summary"], "request": request, "response": []}


def _url(path: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    with_colons = _VARIABLE.sub(r":\1", path)
    found: dict[str, Any] = {
        "raw": "{{baseUrl}}" + with_colons,
        "host": ["{{baseUrl}}"],
        "path": with_colons.strip("/").split("/"),
    }
    query = [_field(each) for each in parameters if each["in"] == "query"]
    variables = [_field(each) for each in parameters if each["in"] == "path"]
    if query:
        found["query"] = query
    if variables:
        found["variable"] = [
            {name: value for name, value in each.items() if name != "disabled"} for each in variables
        ]
    return found


def _field(parameter: dict[str, Any]) -> dict[str, Any]:
    """Everything that may be left out is switched off."""
    found = {
        "key": parameter["name"],
        "value": str(parameter.get("example", parameter["schema"].get("default", ""))),
        "description": parameter.get("description", ""),
    }
    return found if parameter["required"] else found | {"disabled": True}


def _body(content: dict[str, Any], openapi: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if "application/xml" in content:
        return "application/xml", {"mode": "file", "file": {"src": ""}}
    if "application/json" in content:
        entry = content["application/json"]
        name = entry["schema"]["$ref"].rpartition("/")[2]
        example = entry.get("example") or _example(openapi["components"]["schemas"][name])
        raw = json.dumps(example, ensure_ascii=False, indent=1)
        return "application/json", {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
    return next(iter(content)), {"mode": "file", "file": {"src": ""}}


def _example(schema: dict[str, Any]) -> dict[str, Any]:
    """The fields that are asked for, empty."""
    return dict.fromkeys(schema.get("required", ()), "")
