"""The Postman collections: of the form that Postman reads, and every operation of both interfaces in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapters.vxp.endpoint_calls import OPERATIONS
from tools.pages.postman import SCHEMA, document

FOLDER = Path(__file__).parents[3] / "deploy" / "examples" / "postman"
FILE = FOLDER / "gateway.postman_collection.json"
AXIS = FOLDER / "vxp.postman_collection.json"


def requests(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every request, below whatever folders."""
    for item in items:
        assert isinstance(item["name"], str)
        if "item" in item:
            assert "request" not in item
            yield from requests(item["item"])
        else:
            yield item


def test_collection_is_of_the_form_2_1() -> None:
    """What the format's schema requires of a collection, an item, a request, an URL and a body."""
    found = json.loads(FILE.read_text())
    assert set(found) <= {"info", "item", "event", "variable", "auth", "protocolProfileBehavior"}
    assert found["info"]["schema"] == SCHEMA
    assert found["info"]["name"]
    for item in requests(found["item"]):
        request = item["request"]
        assert set(request) <= {"url", "auth", "method", "description", "header", "body"}
        url = request["url"]
        assert url["raw"].startswith("{{baseUrl}}/api/v1")
        assert "/".join(url["host"] + url["path"]) == url["raw"]
        assert {each["key"] for each in url.get("variable", ())} == {
            part[1:] for part in url["path"] if part.startswith(":")
        }
        assert all(set(each) >= {"key", "value"} for each in (*request["header"], *url.get("query", ())))
        assert request.get("body", {"mode": "raw"})["mode"] in {"raw", "file", "formdata", "urlencoded", "graphql"}
        assert item["response"] == []
        if "auth" in request:
            assert request["auth"] == {"type": "noauth"}


def test_every_operation_is_there_once() -> None:
    """Made from the same table as the server's own description, so nothing is missing and nothing is made up."""
    found = json.loads(FILE.read_text())
    written = [(item["request"]["method"], item["request"]["url"]["raw"]) for item in requests(found["item"])]
    wanted = {
        (method.upper(), "{{baseUrl}}" + path.replace("{", ":").replace("}", ""))
        for path, methods in document()["paths"].items()
        for method in methods
    }
    assert len(written) == len(set(written))
    assert set(written) == wanted


def test_every_call_of_the_axis_protocol_is_there_and_signed_by_the_collection() -> None:
    """One script for all, before each request; the secret is a variable that is empty."""
    found = json.loads(AXIS.read_text())
    assert found["info"]["schema"] == SCHEMA
    assert [item["name"] for item in requests(found["item"])] == list(OPERATIONS)
    assert all(item["request"]["url"]["raw"] == "{{vxpUrl}}/" + item["name"] for item in requests(found["item"]))
    (script,) = found["event"]
    assert script["listen"] == "prerequest"
    assert "crypto.HmacSHA256(text, pm.variables.get('secret'))" in "".join(script["script"]["exec"])
    assert {each["key"]: each["value"] for each in found["variable"]}["secret"] == ""
