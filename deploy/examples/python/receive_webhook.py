#!/usr/bin/env python3
"""A receiver of pushed documents in one file, Python 3.8 or later, nothing to install.

    python3 receive_webhook.py --secret-file secret --folder received --port 8443 --cert server.pem --key server.key

It does what a receiver must: judges the header fields (length, age, signature) before it reads a byte of the body;
writes the body to a file as it comes and compares its digest; syncs bytes and ids, and only then answers 200; gives
the same answer to the same dispatch; answers the gateway's challenge. No request takes longer than LONGEST_SECONDS,
however slowly its bytes come. Without --cert it speaks plain HTTP, for a trial on this machine only.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import socket
import sqlite3
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

OLDEST_SECONDS = 300
LARGEST_BYTES = 100_000_000
LONGEST_SECONDS = 300
#: What is left of a refused request is read off up to here, else its sender may see a reset line, not the answer.
READ_OFF_BYTES = 1_000_000
PIECE = 65_536


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

    def write(self, pieces, sha256):
        """The body's file, durable when this returns; None (and no file) where the bytes have another digest."""
        part = os.path.join(self.folder, "%s.%d.part" % (sha256, threading.get_ident()))
        path = os.path.join(self.folder, sha256 + ".edxml")
        digest = hashlib.sha256()
        with open(part, "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != sha256:
            os.remove(part)
            return None
        os.replace(part, path)
        opened = os.open(self.folder, os.O_RDONLY)  # the name is to last, too
        os.fsync(opened)
        os.close(opened)
        return path

    def keep(self, dispatch, deliveries, kind, sha256):
        """Durable when this returns; a delivery that is known already stays as it is."""
        with self.lock, self.database:
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

    def handle_one_request(self):
        """With an end, also for a sender of a byte a minute: `timeout` is only for each read."""
        # the socket itself: TLS of another thread's connection is not ours to touch
        end = threading.Timer(LONGEST_SECONDS, socket.socket.shutdown, [self.connection, socket.SHUT_RDWR])
        end.daemon = True
        end.start()
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True
        finally:
            end.cancel()

    def do_POST(self):
        length = self.length()
        if length is None:
            return self.refuse(411, "Content-Length is missing, or no number")
        if length > LARGEST_BYTES:
            return self.refuse(413, "at most %d bytes" % LARGEST_BYTES)
        sha256, wrong = self.believe()
        if wrong:
            return self.refuse(401, wrong, length)
        left = [length]
        path = self.store.write(self.pieces(left), sha256)
        if left[0]:  # the line broke: nothing is kept, the gateway sends it again
            self.close_connection = True
            return None
        if path is None:
            return self.answer(401, {"error": "Content-Digest does not fit the body"})
        if self.headers["Gateway-Kind"] == "verification":
            return self.prove(path)
        deliveries = [
            (identifier.strip(), unquote(code))
            for identifier, _, code in (one.partition("=") for one in self.headers["Gateway-Deliveries"].split(","))
        ]
        self.store.keep(self.headers["Gateway-Dispatch-Id"], deliveries, self.headers["Gateway-Kind"], sha256)
        lines = [
            {"id": identifier, "outcome": "delivered", "reference": identifier} for identifier, _ in deliveries
        ]
        return self.answer(200, {"deliveries": lines})

    def length(self):
        """What Content-Length says; None unless it says so once, in digits, and nothing says otherwise."""
        told = self.headers.get_all("Content-Length") or []
        if (
            len(told) != 1
            or "Transfer-Encoding" in self.headers
            or not re.fullmatch("[0-9]{1,12}", told[0].strip())
        ):
            return None
        return int(told[0])

    def pieces(self, left):
        """The body as it comes, or as much of it; `left[0]` counts down what is still to come."""
        while left[0]:
            try:
                piece = self.rfile.read1(min(left[0], PIECE))
            except OSError:
                return
            if not piece:
                return
            left[0] -= len(piece)
            yield piece

    def believe(self):
        """The SHA-256 that the body must have, and ""; or why these header fields are not the gateway's."""
        timestamp = self.headers.get("Gateway-Timestamp", "")
        if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > OLDEST_SECONDS:
            return "", "Gateway-Timestamp is missing or too far from this server's clock"
        found = re.fullmatch("sha-256=:([A-Za-z0-9+/]{43}=):", self.headers.get("Content-Digest", ""))
        if not found:
            return "", "Content-Digest is missing or no SHA-256"
        sha256 = base64.b64decode(found[1]).hex()
        dispatch, deliveries = self.headers.get("Gateway-Dispatch-Id"), self.headers.get("Gateway-Deliveries")
        # while a secret is rotated there are two lines, one by each secret
        given = [one.strip() for one in self.headers.get_all("Gateway-Signature") or []]
        if dispatch is None or deliveries is None or not given:
            return "", "Gateway-Signature, Gateway-Dispatch-Id or Gateway-Deliveries is missing"
        text = "%s.%s.%s.%s" % (timestamp, dispatch, deliveries, sha256)
        expected = "v1=" + hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()
        if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in given):
            return "", "Gateway-Signature is wrong"
        return sha256, ""

    def prove(self, path):
        """Answer the challenge that comes before the first document."""
        try:
            with open(path, "rb") as file:
                challenge = json.loads(file.read(PIECE))["challenge"]
            os.remove(path)
        except (ValueError, KeyError, TypeError):
            return self.answer(422, {"error": "no challenge"})
        made = hmac.new(self.secret, ("verification." + challenge).encode(), hashlib.sha256).hexdigest()
        return self.answer(200, {"challenge": challenge, "proof": "v1=" + made})

    def refuse(self, status, why, length=0):
        """Nothing of the body was kept; the connection ends, since what is left of it would be the next request."""
        self.close_connection = True
        self.answer(status, {"error": why})
        if length <= READ_OFF_BYTES:
            for _ in self.pieces([length]):
                pass

    def answer(self, status, value):
        """JSON with its length, so that the connection can be used again."""
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
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
