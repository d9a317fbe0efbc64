#!/usr/bin/env python3
"""A receiver of pushed documents in one file, Python 3.8 or later, nothing to install.

    python3 receive_webhook.py --secret-file secret --folder received --port 8443 --cert server.pem --key server.key

It does what a receiver must: checks signature, digest and age before anything else; stores the bytes and the ids in
one transaction, syncs, and only then answers 200; gives the same answer to the same dispatch; answers the gateway's
challenge. Without --cert it speaks plain HTTP, for a trial on this machine only.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import sqlite3
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

OLDEST_SECONDS = 300
LARGEST_BYTES = 100_000_000


class Store:
    """Bodies as files, ids in SQLite; one writer at a time."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.lock = threading.Lock()
        self.database = sqlite3.connect(os.path.join(folder, "received.db"), check_same_thread=False)
        self.database.execute("PRAGMA synchronous = FULL")
        self.database.execute(
            "CREATE TABLE IF NOT EXISTS delivery"
            " (id TEXT PRIMARY KEY, dispatch TEXT, code TEXT, sha256 TEXT, kind TEXT)"
        )

    def keep(self, dispatch, deliveries, kind, body):
        """Durable when this returns; a delivery that is known already stays as it is."""
        sha256 = hashlib.sha256(body).hexdigest()
        with self.lock:
            path = os.path.join(self.folder, sha256 + ".edxml")
            if not os.path.exists(path):
                with open(path + ".part", "wb") as file:
                    file.write(body)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(path + ".part", path)
            with self.database:
                for identifier, code in deliveries:
                    self.database.execute(
                        "INSERT OR IGNORE INTO delivery VALUES (?, ?, ?, ?, ?)",
                        (identifier, dispatch, code, sha256, kind),
                    )


class Handler(BaseHTTPRequestHandler):
    """One request; `store` and `secret` are set by main."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    store = None
    secret = b""

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or -1)
        if length < 0:
            return self.answer(411, {"error": "Content-Length is missing"})
        if length > LARGEST_BYTES:
            self.close_connection = True
            return self.answer(413, {"error": "at most %d bytes" % LARGEST_BYTES})
        body = self.rfile.read(length)
        if len(body) < length:  # the line broke: nothing is kept, the gateway sends it again
            self.close_connection = True
            return None
        wrong = self.wrong_with(body)
        if wrong:
            return self.answer(401, {"error": wrong})
        if self.headers["Gateway-Kind"] == "verification":
            return self.prove(body)
        deliveries = [
            (identifier.strip(), unquote(code))
            for identifier, _, code in (one.partition("=") for one in self.headers["Gateway-Deliveries"].split(","))
        ]
        self.store.keep(self.headers["Gateway-Dispatch-Id"], deliveries, self.headers["Gateway-Kind"], body)
        lines = [
            {"id": identifier, "outcome": "delivered", "reference": identifier} for identifier, _ in deliveries
        ]
        return self.answer(200, {"deliveries": lines})

    def wrong_with(self, body):
        """Why this request is not the gateway's; None when it is."""
        timestamp = self.headers.get("Gateway-Timestamp", "")
        if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > OLDEST_SECONDS:
            return "Gateway-Timestamp is missing or too far from this server's clock"
        digest = hashlib.sha256(body)
        told = self.headers.get("Content-Digest", "")
        if told != "sha-256=:%s:" % base64.b64encode(digest.digest()).decode():
            return "Content-Digest does not fit the body"
        parts = [
            timestamp,
            self.headers.get("Gateway-Dispatch-Id", ""),
            self.headers.get("Gateway-Deliveries", ""),
            digest.hexdigest(),
        ]
        expected = "v1=" + hmac.new(self.secret, ".".join(parts).encode(), hashlib.sha256).hexdigest()
        # while a secret is rotated there are two lines, one by each secret
        given = [one.strip() for one in self.headers.get_all("Gateway-Signature") or []]
        if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in given):
            return "Gateway-Signature is wrong"
        return None

    def prove(self, body):
        """Answer the challenge that comes before the first document."""
        try:
            challenge = json.loads(body)["challenge"]
        except (ValueError, KeyError, TypeError):
            return self.answer(422, {"error": "no challenge"})
        made = hmac.new(self.secret, ("verification." + challenge).encode(), hashlib.sha256).hexdigest()
        return self.answer(200, {"challenge": challenge, "proof": "v1=" + made})

    def answer(self, status, value):
        """JSON with its length, so that the connection can be used again."""
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, text, *arguments):
        """One line per request; no header and no body, which hold secrets and documents."""
        print(text % arguments, flush=True)


def main():
    """Serve until Ctrl-C; prints the address first."""
    parser = argparse.ArgumentParser(description="Receive pushed documents.")
    parser.add_argument("--secret-file", required=True, help="the secret that the operator gave you")
    parser.add_argument("--folder", default="received", help="where documents are kept")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8443, help="0: a free one")
    parser.add_argument("--cert", help="server certificate with chain, PEM")
    parser.add_argument("--key", help="its key, PEM")
    arguments = parser.parse_args()
    with open(arguments.secret_file, "rb") as file:
        Handler.secret = file.read().strip()
    Handler.store = Store(arguments.folder)
    server = ThreadingHTTPServer((arguments.host, arguments.port), Handler)
    scheme = "http"
    if arguments.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(arguments.cert, arguments.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "https"
    print("listening on %s://%s:%d/" % (scheme, arguments.host, server.server_address[1]), flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
