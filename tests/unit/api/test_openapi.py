"""The OpenAPI document says what the server does, no more and no less."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from gateway.api import models
from gateway.api.app import ROUTES, build_app, route_table
from gateway.api.examples import EXAMPLES
from gateway.api.openapi import build_document
from gateway.api.page import render_page
from gateway.api.route import ApiParts
from gateway.reasons import REASONS
from gateway.shares import Shares
from tests.unit.api.conftest import SETTINGS, Server

TABLE = route_table("https://gateway.example")
DOCUMENT: dict[str, Any] = json.loads(json.dumps(build_document(TABLE, "https://gateway.example")))


async def test_document_and_router_hold_the_same_routes(server: Server) -> None:
    """One table makes both: every method and path is in each."""
    parts = ApiParts(
        gateway=server.gateway,
        authenticator=server.authenticator,
        bodies=server.bodies,
        settings=SETTINGS,
        clock=None,  # type: ignore[arg-type]  # no request is made
        metrics=server.metrics,
        lifecycle=server.lifecycle,
        uploads=server.uploads,
        shares=Shares(SETTINGS.limits),
    )
    app = build_app(parts)
    routed = {
        (route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None
    }
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert routed == described
    assert len(app[ROUTES]) == len(described)


async def test_served_document_is_the_built_one(server: Server) -> None:
    """What is served is what was built, under the configured address."""
    async with server.http() as session, session.get("/api/v1/openapi.json") as response:
        served = await response.json()
    assert served["servers"] == [{"url": SETTINGS.server.public_url}]
    assert served | {"servers": []} == DOCUMENT | {"servers": []}


async def test_page_is_self_contained_and_its_policy_allows_its_style(server: Server) -> None:
    """No script, nothing from elsewhere; every operation is on it."""
    async with server.http() as session, session.get("/api/v1/docs") as response:
        page = await response.text()
        policy = response.headers["Content-Security-Policy"]
    assert "<script" not in page
    assert "src=" not in page
    assert "http://" not in page
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    for path in DOCUMENT["paths"]:
        assert path in page


def test_page_escapes_what_it_shows() -> None:
    """Descriptions are text, never markup."""
    hostile = DOCUMENT | {"info": DOCUMENT["info"] | {"title": "<img onerror=x>"}}
    assert b"<img" not in render_page(hostile)


def test_every_reference_resolves() -> None:
    """No schema points to one that is not there, and none is unused."""
    text = json.dumps(DOCUMENT)
    used = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert used == set(DOCUMENT["components"]["schemas"])


def test_operations_are_named_once_and_described() -> None:
    """OperationIds are what generated clients call their methods."""
    operations = [operation for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    assert all(operation["summary"] and set(operation["tags"]) <= tags for operation in operations)


def test_only_enrolment_and_the_links_of_calls_need_no_credential() -> None:
    """`security: []` stands nowhere else: a code or a link's token proves itself, the log's hashes are public."""
    without = [
        operation["operationId"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        if operation.get("security") == []
    ]
    assert sorted(without) == [
        "acknowledgeAlert", "enrol", "fetchCheckpoint", "fetchInstitution", "fetchInstitutionSignature",
        "fetchTile", "showAlert",
    ]  # fmt: skip


def test_paths_declare_their_variables() -> None:
    """Each variable of a path is a field of its struct, and the other way round."""
    for route in TABLE:
        variables = set(re.findall(r"\{(\w+)\}", route.path))
        fields = (
            {field.encode_name for field in msgspec.structs.fields(route.path_type)} if route.path_type else set()
        )
        assert variables == fields, route.name


def test_codes_are_of_the_closed_list() -> None:
    """A route cannot promise a reason that does not exist."""
    for route in TABLE:
        assert set(route.codes) <= set(REASONS), route.name


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_examples_are_valid(name: str) -> None:
    """What the document shows would be accepted."""
    msgspec.convert(EXAMPLES[name], getattr(models, name))


def test_every_request_has_an_example() -> None:
    """People copy examples."""
    requests = {kind.__name__ for route in TABLE for kind in (route.request, route.multipart) if kind}
    assert requests == set(EXAMPLES)
