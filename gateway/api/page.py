"""The OpenAPI document as one page for people: made once from the document, no script, nothing from elsewhere."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from typing import Any, Final

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;
padding:0 1rem;color:#1b1b1b;background:#fff}
h1,h2{line-height:1.2}h2{margin-top:2.5rem;border-bottom:2px solid #a61b1b}
details{border:1px solid #ccc;border-radius:4px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}code,pre{font:13px/1.4 ui-monospace,monospace;background:#f4f4f1}
pre{padding:.6rem;overflow-x:auto}b.verb{display:inline-block;width:3.5rem;color:#a61b1b}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #ddd;padding:.25rem .5rem;
text-align:left;vertical-align:top}
nav a{margin-right:1rem}
"""
_STYLE_HASH: Final = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
#: The only thing the page may use is its own style.
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'"


def render_page(document: Mapping[str, Any]) -> bytes:
    """The page."""
    info = document["info"]
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width">',
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>",
        f"<p>{escape(info['description'])}</p><nav>",
        *(f'<a href="#{escape(tag["name"])}">{escape(tag["name"])}</a>' for tag in document["tags"]),
        '<a href="#schemas">schemas</a><a href="openapi.json">openapi.json</a></nav>',
    ]
    for tag in document["tags"]:
        parts.append(
            f'<h2 id="{escape(tag["name"])}">{escape(tag["name"])}</h2><p>{escape(tag["description"])}</p>'
        )
        for path, methods in document["paths"].items():
            parts += [
                _operation(method, path, operation)
                for method, operation in methods.items()
                if tag["name"] in operation["tags"]
            ]
    parts.append('<h2 id="schemas">schemas</h2>')
    for name, schema in document["components"]["schemas"].items():
        text = escape(json.dumps(schema, ensure_ascii=False, indent=1))
        parts.append(f'<details id="{escape(name)}"><summary><code>{escape(name)}</code> {_text(schema)}</summary>')
        parts.append(f"<pre>{text}</pre></details>")
    parts.append("</body></html>")
    return "\n".join(parts).encode()


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    rows = [_parameter(parameter) for parameter in operation["parameters"]]
    parts = [
        f"<details><summary><b class=verb>{method.upper()}</b> <code>{escape(path)}</code> ",
        f"{escape(operation['summary'])}</summary><p>{_text(operation)}</p>",
    ]
    if rows:
        parts.append("<table><tr><th>name<th>in<th>type<th>meaning</tr>" + "".join(rows) + "</table>")
    for media, entry in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>body: <code>{escape(media)}</code> {_link(entry['schema'])}</p>")
        if "example" in entry:
            text = escape(json.dumps(entry["example"], ensure_ascii=False, indent=1))
            parts.append(f"<pre>{text}</pre>")
    parts.append("<table><tr><th>status<th>body<th>meaning</tr>")
    for status, response in operation["responses"].items():
        bodies = " ".join(
            f"<code>{escape(media)}</code> {_link(entry['schema'])}"
            for media, entry in response.get("content", {}).items()
        )
        parts.append(f"<tr><td>{escape(status)}<td>{bodies}<td>{escape(response['description'])}</tr>")
    parts.append("</table></details>")
    return "".join(parts)


def _parameter(parameter: Mapping[str, Any]) -> str:
    schema = json.dumps(parameter["schema"], ensure_ascii=False)
    return (
        f"<tr><td><code>{escape(parameter['name'])}</code><td>{escape(parameter['in'])}"
        f"<td><code>{escape(schema)}</code><td>{_text(parameter)}</tr>"
    )


def _link(schema: Mapping[str, Any]) -> str:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return f'<a href="#{escape(name)}">{escape(name)}</a>' if name else ""


def _text(entry: Mapping[str, Any]) -> str:
    return escape(str(entry.get("description", "")))
