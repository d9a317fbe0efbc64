"""Collects what a reader notices, each with the path of the element it is about."""

from __future__ import annotations

from gateway.edxml.envelope import Finding
from gateway.edxml.findings import finding
from gateway.edxml.scan import Node
from gateway.edxml.texts import path_of

#: Findings kept of one message: a hostile file must not make a report larger than itself.
MOST_FINDINGS = 100


class Notes:
    """The findings of one message, and the first one that refuses it."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self.findings: list[Finding] = []
        self.refusal = ""
        self.detail = ""

    def add(self, rule: str, node: Node | None = None, value: str = "") -> None:
        """Notes a registered rule at an element."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding(rule, path_of(self._root, node), value))

    def refuse(self, code: str, rule: str, node: Node | None = None, value: str = "") -> None:
        """The same, and the message must not be accepted."""
        noted = finding(rule, path_of(self._root, node), value)
        self.findings.append(noted)
        if not self.refusal:
            self.refusal, self.detail = code, noted.en
