"""The small process that makes small bodies durable: python -m gateway.storage.body_process SOCKET FOLDER.

Its threads all wait at one socket (`gateway.storage.body_keeper` holds the other end). A request is a digest and
the file as it is to lie on the disk, encrypted by the server, whose keys never come here; the answer is an errno
(0: it is kept; EEXIST: the digest has a file, which the server must look at), whether nothing may be kept any more,
and words. It is apart from the server because a sync gives up and takes back the interpreter's lock a dozen times,
which costs the server's event loop more than the sync itself (decision 12). It ends when the other end closes.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import threading
from pathlib import Path

from gateway import failpoints
from gateway.aside_process import copies, requests
from gateway.ids import uuid7
from gateway.storage.body_sync import BodySync, DirectorySyncError

#: Bytes of the digest before a body.
_DIGEST_BYTES = 32
#: Errno, whether the store is broken, before words.
ANSWER = struct.Struct(">i?")

#: Syncs under way at once: on a slow disk this is what makes the rate.
_THREADS = 4


def main(descriptor: int, folder: Path) -> None:
    """Serve until the other end closes."""
    # the server ends this process, when it has taken the last answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    failpoints.die_with(os.getppid())
    sync = BodySync(folder / "bodies", folder / "quarantine")

    def keep(request: memoryview) -> bytes:
        name = request[:_DIGEST_BYTES].hex()
        code, is_broken, words = _keep(sync, folder, name, request[_DIGEST_BYTES:])
        return ANSWER.pack(code, is_broken) + words.encode()

    threads = [threading.Thread(target=requests, args=(each, keep)) for each in copies(descriptor, _THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _keep(sync: BodySync, folder: Path, name: str, stored: memoryview) -> tuple[int, bool, str]:
    try:
        sync.write_and_keep(folder / "spool" / f"{uuid7()}.part", folder / "bodies" / name[:2] / name, (stored,))
    except DirectorySyncError as error:
        return error.errno or -1, True, error.strerror or ""
    except OSError as error:
        return error.errno or -1, False, error.strerror or ""
    return 0, False, ""


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
