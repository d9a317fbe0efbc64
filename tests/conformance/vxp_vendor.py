"""A vendor's system over the axis's protocol, made of the example in Python that vendors are given."""

from __future__ import annotations

import importlib.util
import json
import time
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any

from gateway.conformance.papers import status
from gateway.simulate.reading import Incoming, UnreadableError, read
from gateway.simulate.writing import Named, Reference
from tests.conformance.papers import Papers
from tests.conformance.runs import EXAMPLES


def example(path: str) -> ModuleType:
    """One of the examples, as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, EXAMPLES / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class VxpVendor:
    """Works in a thread of its own until it is told to stop."""

    def __init__(self, folder: Path) -> None:
        until = time.monotonic() + 150
        path = folder / "access.json"
        while not path.is_file():
            assert time.monotonic() < until
            time.sleep(0.05)
        self.access: dict[str, str] = json.loads(path.read_text())
        self.code = example("python/vxp_client.py")
        self.secret = Path(self.access["vxp_secret_file"]).read_bytes()
        self.me = Named(code=self.access["organ_id"], name="Phần mềm thử")
        self.papers = Papers(self.access)

    def axis(self, secret: bytes = b"") -> Any:
        """A client."""
        url, system_id = self.access["vxp_url"], self.access["vxp_system_id"]
        return self.code.Axis(url, system_id, secret or self.secret, self.access["ca_file"])

    def document(self, *offices: str, sender: str = "", about: str = "", padding: int = 0) -> bytes:
        """As `Papers` make it."""
        return self.papers.document(*offices, sender=sender, about=about, padding=padding)

    def work(self, stop: Event) -> None:
        """Send everything once, then receive."""
        axis = self.axis()
        axis.list()
        self.send(axis)
        while not stop.is_set():
            for kind in ("edoc", "status"):
                for entry in axis.list(kind):
                    data = axis.get(entry["docId"])
                    axis.done(entry["docId"])
                    with suppress(UnreadableError):
                        self.answer(axis, read(data.removeprefix(b"1212")))
            time.sleep(0.2)

    def answer(self, axis: Any, incoming: Incoming) -> None:
        """01, and what an office would say."""
        if incoming.is_status:
            return
        codes = ["01", "15" if incoming.business_type in {"1", "2"} else "03"]
        if "gửi nhầm" in incoming.subject:
            codes = ["01", "02"]
        year, month, day = map(int, incoming.date.split("/"))
        about = Reference(
            organ_id=incoming.sender,
            number=incoming.number,
            notation=incoming.notation,
            issued_on=date(year, month, day),
            document_id=incoming.document_id,
        )
        for code in codes:
            told = f"Trạng thái {code} ({incoming.business_type})"
            axis.send(status(self.me, about, code, told, datetime.now(UTC)), "status")

    def send(self, axis: Any) -> None:
        """Everything that the sandbox wants, wrong things included."""
        first = self.document("ready")
        for body in (
            first,
            first,
            *(self.document(office) for office in ("refusing", "late", "old")),
            self.document("ready", "late"),
            self.document("ready", padding=1_500_000),
            self.document("ready", about="7001"),
        ):
            axis.send(body)
        for wrong in (
            self.document("late", sender=self.access["offices.ready"]),
            self.document("000.99.99.Z99"),
            first[: len(first) // 2],
        ):
            with suppress(self.code.Failed):
                axis.send(wrong)
        with suppress(self.code.Failed):
            parameters = {"from": self.me.code, "servicetype": "eDoc", "messagetype": "edoc", "hash-file": "0" * 64}
            axis.call("sendEdoc", parameters, "application/octet-stream", first)
        with suppress(self.code.Failed):
            self.axis(b"another secret").list()
