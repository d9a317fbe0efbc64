"""The OpenAPI 3.1 document, made from the route table and the structs that check requests.

Nothing is written by hand but the words in the declarations, so the document cannot say anything else than
the server does. Pure: no clock, no I/O; the same table gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

import gateway
from gateway.api import models
from gateway.api.examples import EXAMPLES
from gateway.api.problems import PROBLEM_TYPE
from gateway.api.route import Header, Route
from gateway.reasons import reason

_REF: Final = "#/components/schemas/{name}"
_BINARY: Final = frozenset({"application/xml", "text/xml", "application/octet-stream", "multipart/related"})
_INTRODUCTION: Final = (
    "Official documents (văn bản điện tử) between a province, its communes and the national axis. "
    "Errors are application/problem+json with a code of /api/v1/reasons."
)
_TAGS: Final = {
    "documents": "What you send.",
    "uploads": "Large bodies in pieces, over lines that break (tus 1.0).",
    "inbox": "What waits for you.",
    "directory": "Agencies, channels, code lists, limits.",
    "events": "What happens, as it happens.",
    "pushed": "What your webhooks confirmed, and having it pushed again.",
    "alerts": "The links in calls about urgent documents.",
    "accounts": "Your system's certificate.",
    "log": "The transparency log, which anybody may follow (C2SP tlog-tiles); no credential is asked for.",
    "about": "This interface.",
}


def build_document(routes: Sequence[Route], public_url: str) -> dict[str, Any]:
    """The whole document as plain JSON values."""
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        paths.setdefault(route.prefix + route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Gateway REST v1", "version": gateway.__version__, "description": _INTRODUCTION},
        "servers": [{"url": public_url.rstrip("/")}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "security": [{"certificate": []}, {"token": []}],
        "components": {
            "schemas": _schemas(routes),
            "securitySchemes": {
                "certificate": {"type": "mutualTLS", "description": "A client certificate of the enrolment CA."},
                "token": {"type": "http", "scheme": "bearer", "description": "A token given by an operator."},
            },
        },
    }


def encode_document(document: Mapping[str, Any]) -> bytes:
    """The document as bytes."""
    return msgspec.json.encode(document)


def _operation(route: Route) -> dict[str, object]:
    operation: dict[str, object] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_parameters(route), *map(_header, route.headers)],
        "responses": _responses(route),
    }
    if route.description:
        operation["description"] = route.description
    if not route.authenticated:
        operation["security"] = []
    body = _body(route)
    if body:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _parameters(route: Route) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for kind, place in ((route.path_type, "path"), (route.query_type, "query")):
        if kind is None:
            continue
        schema = msgspec.json.schema_components([kind], ref_template=_REF)[1][kind.__name__]
        required = set(schema.get("required", ()))
        for name, value in schema["properties"].items():
            plain = _without_null(value)
            entry: dict[str, object] = {"name": name, "in": place, "required": name in required, "schema": plain}
            text = plain.pop("description", None)
            if text:
                entry["description"] = text
            found.append(entry)
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is absent, never null."""
    schema = {name: value for name, value in schema.items() if not (name == "default" and value in {None, ""})}
    options = [option for option in schema.pop("anyOf", ()) if option != {"type": "null"}]
    return schema | options[0] if options else schema


def _header(header: Header) -> dict[str, object]:
    return {
        "name": header.name,
        "in": "header",
        "required": False,
        "description": header.description,
        "schema": header.schema,
        "example": header.example,
    }


def _body(route: Route) -> dict[str, object]:
    content: dict[str, object] = {name: {"schema": _media(name)} for name in route.raw}
    if route.request is not None:
        content["application/json"] = _json_body(route.request)
    if route.multipart is not None:
        content["multipart/form-data"] = {
            "schema": {
                "type": "object",
                "properties": {
                    "metadata": {"$ref": _REF.format(name=route.multipart.__name__)},
                    "file": {"type": "array", "items": _media("application/octet-stream")},
                },
                "required": ["metadata"],
            },
            "encoding": {"metadata": {"contentType": "application/json"}},
        }
    return content


def _json_body(kind: type[models.Request]) -> dict[str, object]:
    entry: dict[str, object] = {"schema": {"$ref": _REF.format(name=kind.__name__)}}
    if kind.__name__ in EXAMPLES:
        entry["example"] = EXAMPLES[kind.__name__]
    return entry


def _responses(route: Route) -> dict[str, object]:
    content: dict[str, object]
    if route.response is not None:
        content = {"application/json": {"schema": {"$ref": _REF.format(name=route.response.__name__)}}}
    else:
        content = {name: {"schema": _media(name)} for name in route.produces}
    found: dict[str, object] = {
        str(route.status): {"description": HTTPStatus(route.status).phrase}
        | ({"content": content} if content else {})
    }
    for status, text in route.also:
        found[str(status)] = {"description": text} | (
            {"content": content} if status == HTTPStatus.PARTIAL_CONTENT else {}
        )
    return found | dict(sorted(_problems(route.codes).items()))


def _problems(codes: Iterable[str]) -> dict[str, object]:
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(reason(code).http, []).append(code)
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {reason(code).en}" for code in names),
            "content": {PROBLEM_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}}},
        }
        for status, names in by_status.items()
    }


def _media(name: str) -> dict[str, object]:
    if name in _BINARY:
        return {"type": "string", "contentMediaType": name}
    return {} if name == "application/json" else {"type": "string"}


def _schemas(routes: Sequence[Route]) -> dict[str, Any]:
    kinds: dict[str, type] = {models.Problem.__name__: models.Problem}
    for route in routes:
        for kind in (route.request, route.multipart, route.response):
            if kind is not None:
                kinds[kind.__name__] = kind
        if route.query_type is not None:  # for the enumerations that its parameters refer to
            kinds[route.query_type.__name__] = route.query_type
    _, components = msgspec.json.schema_components(kinds.values(), ref_template=_REF)
    queries = {route.query_type.__name__ for route in routes if route.query_type is not None}
    found = {name: schema for name, schema in sorted(components.items()) if name not in queries}
    for name, example in EXAMPLES.items():
        found[name]["examples"] = [example]
    return found
