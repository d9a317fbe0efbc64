#!/usr/bin/env python3
r"""The axis's protocol (VXP) in one file, Python 3.8 or later, nothing to install.

    python3 vxp_client.py --url https://localhost:8444/vxp --id 000.00.90.H33 --secret-file secret --ca root.pem \
        list edoc
    … send FILE [edoc|status] | get DOCID FILE | done DOCID | receive FOLDER | sent

Every parameter is a header XroadVnpt-NAME; XroadVnpt-sign-header holds all of them as a JSON object, and
XroadVnpt-hash-header the HMAC-SHA256 of exactly that text. A document is the body of sendEdoc as it is, and its
SHA-256 a parameter. Every reply is JSON: {"status", "ErrorCode", "ErrorDesc", …}.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import ssl
import sys
import urllib.parse

VIETNAM = datetime.timezone(datetime.timedelta(hours=7))
FORM = "application/x-www-form-urlencoded"


class Failed(Exception):  # noqa: N818 - what happened, not an error of this program
    """The reply says FAIL, or is none."""


class Axis:
    """One client; each call is signed anew."""

    def __init__(self, url, system_id, secret, ca):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.base = parts.hostname, parts.port or 443, parts.path.rstrip("/")
        self.system_id, self.secret = system_id, secret
        self.context = ssl.create_default_context(cafile=ca)

    def send(self, document, kind="edoc"):
        """Hand a document (edoc) or a status message (status) in; the reply holds DocId."""
        parameters = {
            "from": self.system_id,
            "servicetype": "eDoc",
            "messagetype": kind,
            "hash-file": hashlib.sha256(document).hexdigest(),
        }
        return self.call("sendEdoc", parameters, "application/octet-stream", document)

    def list(self, kind="edoc"):
        """What waits."""
        return self.call("getReceivedEdocList", {"servicetype": "eDoc", "messagetype": kind}, FORM)["data"]

    def get(self, doc_id):
        """The bytes of one entry."""
        return base64.b64decode(self.call("getEdoc", {"docId": doc_id}, "application/json", b"{}")["data"])

    def done(self, doc_id):
        """It is stored here for good."""
        return self.call("updateStatus", {"docId": doc_id, "status": "done"}, "application/json", b"{}")

    def sent(self):
        """What was sent, and where it stands."""
        return self.call("getSentEdocList", {"servicetype": "eDoc", "messagetype": "edoc"}, FORM)["data"]

    def call(self, operation, parameters, content_type, body=b""):
        """One signed call; its reply."""
        now = datetime.datetime.now(VIETNAM)
        signed = dict(parameters, systemid=self.system_id)
        signed["timestamp"] = now.strftime("%d%m%YT%H%M%S") + "+%04d" % (now.microsecond // 1000)
        signed["Content-Type"] = content_type
        headers = {"XroadVnpt-" + name: value for name, value in signed.items()}
        text = json.dumps(headers, separators=(",", ":"))
        headers["XroadVnpt-sign-header-key"] = ";".join(signed)
        headers["XroadVnpt-sign-header"] = text
        headers["XroadVnpt-hash-header"] = hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()
        headers["Content-Type"] = content_type
        connection = http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=300)
        try:
            connection.request("POST", "%s/%s" % (self.base, operation), body=body, headers=headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        try:
            reply = json.loads(content)
        except ValueError as error:  # an HTML page of something in between: an outage, never an empty list
            raise Failed("HTTP %d is no JSON" % response.status) from error
        if reply.get("status") != "OK":
            raise Failed("%s %s" % (reply.get("ErrorCode"), reply.get("ErrorDesc")))
        return reply


def store(path, content):
    """On the disk when this returns."""
    with open(path + ".part", "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".part", path)


def receive(axis, folder):
    """Everything that waits: get, store, only then done."""
    os.makedirs(folder, exist_ok=True)
    taken = []
    for kind in ("edoc", "status"):
        for entry in axis.list(kind):
            store(os.path.join(folder, entry["docId"] + ".edxml"), axis.get(entry["docId"]))
            axis.done(entry["docId"])
            taken.append(entry["docId"])
    return taken


def perform(axis, words):
    """One command of the command line; its JSON."""
    command, rest = words[0], words[1:]
    if command == "send":
        with open(rest[0], "rb") as file:
            return axis.send(file.read(), *rest[1:2])
    if command == "list":
        return axis.list(*rest[:1])
    if command == "get":
        store(rest[1], axis.get(rest[0]))
        return {"stored": rest[1]}
    if command == "done":
        return axis.done(rest[0])
    if command == "receive":
        return receive(axis, rest[0])
    if command == "sent":
        return axis.sent()
    raise SystemExit("unknown command: " + command)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description="The axis's protocol.")
    parser.add_argument("--url", required=True, help="such as https://localhost:8444/vxp")
    parser.add_argument("--id", required=True, help="your system id")
    parser.add_argument("--secret-file", required=True, help="file with your secret")
    parser.add_argument("--ca", help="CA of the gateway's certificate, PEM (default: the system's)")
    parser.add_argument("words", nargs="+", metavar="COMMAND", help="see above")
    arguments = parser.parse_args()
    with open(arguments.secret_file, "rb") as file:
        secret = file.read().strip()
    try:
        found = perform(Axis(arguments.url, arguments.id, secret, arguments.ca), arguments.words)
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    print(json.dumps(found, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
