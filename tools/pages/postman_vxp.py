"""`deploy/examples/postman/vxp.postman_collection.json`: every call of the axis protocol.

A parameter of a call is a header `XroadVnpt-…` of its request. Before each request the collection's script adds
system id, time and content type, and signs all of them. The secret is a variable and nowhere else.
"""

from __future__ import annotations

import json
from typing import Any, Final

from tools.pages.postman import SCHEMA

_HEAD: Final = (
    "Giao thức trục (VXP). Đặt ba biến vxpUrl (https://máy:cổng/vxp), systemId và secret; thêm tệp CA ở Settings → "
    "Certificates. Mỗi tham số là một header XroadVnpt-…; kịch bản của bộ này ký tất cả trước mỗi lần gọi.\n\n"
    "The axis protocol (VXP). Set the variables vxpUrl (https://host:port/vxp), systemId and secret; add the CA "
    "file under Settings → Certificates. Every parameter is a header XroadVnpt-…; the collection's script signs "
    "all of them before each call."
)
_PREFIX: Final = "XroadVnpt-"
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
#: Postman runs it before each request; `crypto-js` is part of Postman.
_SIGN: Final = """\
const crypto = require('crypto-js');
const prefix = 'XroadVnpt-';
const resolved = (text) => pm.variables.replaceIn(text || '');
const type = pm.request.headers.get('Content-Type');
const signed = {};
pm.request.headers.each((header) => {
  if (!header.disabled && header.key.startsWith(prefix)) { signed[header.key] = resolved(header.value); }
});
const body = pm.request.body && pm.request.body.raw ? resolved(pm.request.body.raw) : '';
if (signed[prefix + 'hash-file'] !== undefined) {
  signed[prefix + 'hash-file'] = crypto.SHA256(body).toString(crypto.enc.Hex);
}
const vietnam = new Date(Date.now() + 7 * 3600 * 1000).toISOString();
const [day, time] = vietnam.split('T');
const [year, month, date] = day.split('-');
signed[prefix + 'systemid'] = pm.variables.get('systemId');
signed[prefix + 'timestamp'] =
  date + month + year + 'T' + time.slice(0, 8).replace(/:/g, '') + '+0' + time.slice(9, 12);
signed[prefix + 'Content-Type'] = type;
const text = JSON.stringify(signed);
Object.entries(signed).forEach(([key, value]) => pm.request.headers.upsert({ key, value }));
pm.request.headers.upsert({
  key: prefix + 'sign-header-key', value: Object.keys(signed).map((key) => key.slice(prefix.length)).join(';'),
});
pm.request.headers.upsert({ key: prefix + 'sign-header', value: text });
pm.request.headers.upsert({
  key: prefix + 'hash-header', value: crypto.HmacSHA256(text, pm.variables.get('secret')).toString(crypto.enc.Hex),
});
"""
_CHECK: Final = """\
pm.test('status OK', () => pm.expect(pm.response.json().status).to.equal('OK'));
"""
_KEEP: Final = """\
const waiting = pm.response.json().data;
if (waiting.length) { pm.collectionVariables.set('docId', waiting[0].docId); }
"""
_LIST: Final = {"servicetype": "eDoc", "messagetype": "edoc"}
#: Operation, method, content type, parameters, body.
_CALLS: Final[tuple[tuple[str, str, str, dict[str, str], str], ...]] = (
    (
        "sendEdoc",
        "POST",
        "application/octet-stream",
        {"from": "{{systemId}}", **_LIST, "hash-file": "computed"},
        "{{edxml}}",
    ),
    ("getReceivedEdocList", "POST", _FORM, _LIST, ""),
    ("getEdoc", "POST", _JSON, {"docId": "{{docId}}"}, "{}"),
    ("downloadEdoc", "GET", "application/octet-stream", {"docId": "{{docId}}"}, ""),
    ("updateStatus", "POST", _JSON, {"docId": "{{docId}}", "status": "done"}, "{}"),
    ("getSentEdocList", "POST", _FORM, _LIST, ""),
    ("countReceiveEdoc", "POST", _JSON, _LIST, "{}"),
    ("countReceiveStatus", "POST", _JSON, {"servicetype": "eDoc", "messagetype": "status"}, "{}"),
    ("getAgenciesList", "POST", _FORM, {}, ""),
    ("getAgenciesListQD20", "POST", _FORM, {"level": "1"}, ""),
    ("getSynchronizeUnit", "POST", _FORM, {}, ""),
    (
        "registerAgency",
        "POST",
        _JSON,
        {},
        '{"id": "1", "pcode": "H33", "code": "000.99.99.H33", "name": "New office"}',
    ),
    ("deleteAgency", "POST", _JSON, {"AgencyCode": "000.99.99.H33"}, "{}"),
)
_VARIABLES: Final = {
    "vxpUrl": "https://localhost:8444/vxp",
    "systemId": "000.00.90.H33",
    "secret": "",
    "docId": "",
    "edxml": "",
}


def collection() -> str:
    """The whole file."""
    found = {
        "info": {"name": "Gateway VXP", "description": _HEAD, "schema": SCHEMA},
        "event": [_script("prerequest", _SIGN)],
        "variable": [{"key": key, "value": value} for key, value in _VARIABLES.items()],
        "item": [_item(*call) for call in _CALLS],
    }
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _item(operation: str, method: str, kind: str, parameters: dict[str, str], body: str) -> dict[str, Any]:
    headers = [{"key": "Content-Type", "value": kind}]
    headers += [{"key": _PREFIX + name, "value": value} for name, value in parameters.items()]
    request: dict[str, Any] = {
        "method": method,
        "header": headers,
        "url": {"raw": "{{vxpUrl}}/" + operation, "host": ["{{vxpUrl}}"], "path": [operation]},
    }
    if body:
        request["body"] = {"mode": "raw", "raw": body}
    found: dict[str, Any] = {"name": operation, "request": request, "response": []}
    if operation != "downloadEdoc":  # its reply is the file
        more = _KEEP if operation == "getReceivedEdocList" else ""
        found["event"] = [_script("test", _CHECK + more)]
    return found


def _script(listen: str, text: str) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": text.splitlines()}}
