#!/usr/bin/env python3
"""REST v1 in one file, Python 3.8 or later, nothing to install.

    python3 rest_client.py --url https://localhost:8443/api/v1 --token-file token --ca root.pem send document.edxml
    … inbox | fetch ID FILE | ack ID | status ID 03 "Đã tiếp nhận" | receive FOLDER | deliveries MESSAGE
    … connection

With --signing-key (an Ed25519 or RSA key in PEM, whose public half the operator has) every acknowledgement and
answer of `receive` is signed for the bytes that were stored; this needs the program openssl.

`receive` is the loop of a real system: list, fetch, store, only then acknowledge; whatever it acknowledged is on
the disk. Everything may be repeated: the same bytes get the same receipt, an acknowledgement twice is one.
"""

import argparse
import base64
import hashlib
import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse

TRIES = 6
#: The gateway may be starting, busy or behind a broken line: the same request again is right.
AGAIN = {408, 425, 429, 500, 502, 503, 504}


class Refused(Exception):  # noqa: N818 - what happened, not an error of this program
    """The gateway says no; `problem` tells why and what to do, in Vietnamese and English."""

    def __init__(self, status, problem):
        super().__init__("HTTP %d %s: %s" % (status, problem.get("code", ""), problem.get("detail", "")))
        self.status = status
        self.problem = problem


class Gateway:
    """One connection to REST v1."""

    def __init__(self, url, token, ca, signing_key=None):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.base = parts.hostname, parts.port or 443, parts.path.rstrip("/")
        self.token = token
        self.signing_key = signing_key
        self.context = ssl.create_default_context(cafile=ca)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def send(self, document):
        """Hand a document or status message in; the 202. Kept there for good once this returns."""
        headers = {"Content-Type": "application/xml", "Content-Digest": digest_of(document)}
        return json.loads(self.call("POST", "/documents", document, headers))

    def inbox(self, cursor="", wait=0):
        """What waits, and the cursor to go on from."""
        query = urllib.parse.urlencode({"cursor": cursor, "wait": wait, "limit": 100})
        page = json.loads(self.call("GET", "/inbox?" + query))
        return page["items"], page["cursor"]

    def fetch(self, item):
        """The bytes of one item."""
        return self.call("GET", "/inbox/%s/content" % item)

    def acknowledge(self, item, content=None):
        """It is stored here for good; signed for `content`, the bytes that were stored, where there is a key."""
        path = "/inbox/%s/ack" % item
        return json.loads(self.call("POST", path, None, self.signed(path, content)))

    def answer(self, item, code, description, content=None):
        """A status about one item, signed likewise."""
        path = "/inbox/%s/status" % item
        body = json.dumps({"code": code, "description": description}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": '"%s-%s"' % (item, code)}
        return json.loads(self.call("POST", path, body, dict(headers, **self.signed(path, content, body))))

    def signed(self, path, content, body=None):
        """The fields of an RFC 9421 signature over this request, for `content`."""
        if self.signing_key is None or content is None:
            return {}
        fields = {"gateway-document-digest": digest_of(content)}
        if body is not None:
            fields["content-digest"] = digest_of(body)
        host = self.host if self.port == 443 else "%s:%d" % (self.host, self.port)
        covered = [("@method", "POST"), ("@target-uri", "https://%s%s%s" % (host, self.base, path))]
        covered += list(fields.items())
        public = openssl("pkey", "-in", self.signing_key, "-pubout", "-outform", "DER")
        parameters = '(%s);created=%d;keyid="%s";tag="gateway-receiver"' % (
            " ".join('"%s"' % name for name, _ in covered),
            time.time(),
            hashlib.sha256(public).hexdigest(),
        )
        lines = ['"%s": %s' % pair for pair in [*covered, ("@signature-params", parameters)]]
        value = base64.b64encode(self.signature("\n".join(lines).encode())).decode()
        return dict(fields, **{"Signature-Input": "receiver=" + parameters, "Signature": "receiver=:%s:" % value})

    def signature(self, text):
        """Of these bytes: Ed25519, or RSA with SHA-256."""
        kind = openssl("pkey", "-in", self.signing_key, "-noout", "-text")
        with tempfile.NamedTemporaryFile() as file:
            file.write(text)
            file.flush()
            if kind.startswith(b"ED25519"):
                return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.signing_key, "-in", file.name)
            return openssl("dgst", "-sha256", "-sign", self.signing_key, file.name)

    def ask(self, path):
        """Any other GET."""
        return json.loads(self.call("GET", path))

    def call(self, method, path, body=None, headers=None):
        """Until there is a final answer; Refused when it is no."""
        pause = 1
        for number in range(TRIES):
            try:
                status, content, wait = self.once(method, path, body, headers or {})
            except (OSError, http.client.HTTPException):
                if number == TRIES - 1:
                    raise
                status, content, wait = 0, b"", None
            if status and status not in AGAIN:
                break
            if number < TRIES - 1:
                time.sleep(float(wait) if wait else pause)
                pause = min(2 * pause, 60)
        if not 200 <= status < 300:
            try:
                problem = json.loads(content)
            except ValueError:
                problem = {}
            raise Refused(status, problem)
        return content

    def once(self, method, path, body, headers):
        """One request on a connection of its own."""
        connection = http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=300)
        try:
            connection.request(
                method, self.base + path, body=body, headers=dict(headers, Authorization="Bearer " + self.token)
            )
            response = connection.getresponse()
            return response.status, response.read(), response.getheader("Retry-After")
        finally:
            connection.close()


def digest_of(content):
    """As RFC 9530 writes it."""
    return "sha-256=:%s:" % base64.b64encode(hashlib.sha256(content).digest()).decode()


def openssl(*words):
    """What it prints; the key never leaves its file."""
    return subprocess.run(["openssl", *words], check=True, stdout=subprocess.PIPE).stdout


def store(path, content):
    """On the disk when this returns."""
    with open(path + ".part", "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".part", path)


def receive(gateway, folder):
    """Everything that waits now."""
    os.makedirs(folder, exist_ok=True)
    items, _ = gateway.inbox()
    for item in items:
        # the delivery id names the file: what comes twice after a crash is one file
        content = gateway.fetch(item["id"])
        store(os.path.join(folder, item["id"] + ".edxml"), content)
        gateway.acknowledge(item["id"], content)
        if item["kind"] == "document":
            gateway.answer(item["id"], "01", "Đã đến", content)
    return [item["id"] for item in items]


def perform(gateway, words):
    """One command of the command line; its JSON."""
    command, rest = words[0], words[1:]
    if command == "send":
        with open(rest[0], "rb") as file:
            return gateway.send(file.read())
    if command == "inbox":
        return gateway.inbox()[0]
    if command == "fetch":
        store(rest[1], gateway.fetch(rest[0]))
        return {"stored": rest[1]}
    if command == "ack":
        return gateway.acknowledge(rest[0])
    if command == "status":
        return gateway.answer(rest[0], rest[1], rest[2] if len(rest) > 2 else "")
    if command == "receive":
        return receive(gateway, rest[0])
    if command == "deliveries":
        return gateway.ask("/documents/%s/deliveries" % rest[0])
    if command == "connection":
        return gateway.ask("/connection")
    raise SystemExit("unknown command: " + command)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description="REST v1 of the gateway.")
    parser.add_argument("--url", required=True, help="such as https://localhost:8443/api/v1")
    parser.add_argument("--token-file", required=True, help="file with your token")
    parser.add_argument("--ca", help="CA of the gateway's certificate, PEM (default: the system's)")
    parser.add_argument("--signing-key", help="your private key, PEM: sign what you acknowledge and answer")
    parser.add_argument("words", nargs="+", metavar="COMMAND", help="see above")
    arguments = parser.parse_args()
    with open(arguments.token_file) as file:
        token = file.read().strip()
    try:
        found = perform(Gateway(arguments.url, token, arguments.ca, arguments.signing_key), arguments.words)
    except Refused as refused:
        print(json.dumps(refused.problem, ensure_ascii=False), file=sys.stderr)
        return 1
    print(json.dumps(found, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
