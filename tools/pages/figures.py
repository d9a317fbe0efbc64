"""The table of the benchmark's figures in both READMEs, made from `docs/bench.json` where there is one.

`docs/bench.json` is the `build/bench.json` of a run that somebody chose to publish: a list of objects with name,
value, unit, goal and met. Shown are those with a goal, and those that say what the machine is like; a goal that no
published run has measured has its row without a value.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.goals import GOALS

_WORDS = {
    "en": ("what", "measured", "goal", "met", "No run is published yet; `make bench` writes `build/bench.json`."),
    "vi": (
        "chỉ tiêu",
        "đo được",
        "mục tiêu",
        "đạt",
        "Chưa công bố lần đo nào; `make bench` ghi `build/bench.json`.",
    ),
}


_UNMEASURED = {"en": "not measured yet", "vi": "chưa đo"}

#: Name -> (English, Vietnamese).
_NAMES = {
    "bare_sha256": ("one SHA-256 of a document, bare", "một SHA-256 của văn bản"),
    "bare_rsa_sign": ("one RSA-2048 signature, bare", "một chữ ký RSA-2048"),
    "bare_rsa_verify": ("one RSA-2048 verification, bare", "một lần kiểm tra RSA-2048"),
    "circular_cold": (
        "circular to 145 offices, nothing connected yet",
        "công văn tới 145 nơi, chưa kết nối",
    ),
    "circular_warm": (
        "the same, connected; the slowest of five",
        "như trên, đã kết nối; chậm nhất trong năm",
    ),
    "sustained": ("documents a second, from 202 to acknowledged", "văn bản mỗi giây, từ 202 đến xác nhận"),
    "cpu_gateway": ("CPU of all gateway processes a document", "CPU của trục cho mỗi văn bản"),
    "latency_p99": ("202 at p99, at 70 % of that rate", "202 ở p99, tại 70 % mức trên"),
    "memory": ("memory of all gateway processes (PSS)", "bộ nhớ của trục (PSS)"),
    "lost": ("lost", "mất"),
    "poll_1000": ("1,000 waiting documents taken from the axis", "lấy 1.000 văn bản đang chờ ở trục"),
    "vxp_accepted_per_second": (
        "documents a second by the axis's protocol",
        "văn bản mỗi giây qua giao thức VXP",
    ),
    "catalogue_sync": ("125,000 agencies taken in for the first time", "đồng bộ lần đầu 125.000 cơ quan"),
    "catalogue_unchanged": ("the same again, unchanged", "đồng bộ lại khi không đổi"),
    "catalogue_memory_peak": ("peak memory of the gateway then (RSS)", "bộ nhớ cao nhất khi đó (RSS)"),
    "catalogue_stall": ("longest stall of the event loop then", "vòng lặp sự kiện dừng lâu nhất khi đó"),
    "search_p99": ("search among them at p99", "tìm kiếm trong danh bạ, p99"),
    "xml_signatures_per_second": ("foreign XML signatures verified", "xác minh chữ ký XML của nơi khác"),
    "receipts_rsa2048": (
        "receipts a second with RSA-2048, two processes",
        "biên nhận mỗi giây, RSA-2048, hai tiến trình",
    ),
    "receipts_p256": ("the same with P-256", "như trên, P-256"),
    "tree_leaves_per_second": (
        "the log's tree with its tiles: leaves a second of CPU",
        "cây của nhật ký cùng các ô: số lá mỗi giây CPU",
    ),
    "bundle_cold": (
        "a bundle verified, program started anew",
        "xác minh một hồ sơ chứng cứ, chương trình khởi động mới",
    ),
    "bundle_cold_pdf": ("the same with `--pdf`", "như trên, với `--pdf`"),
    "bundles_10000": ("10,000 bundles verified (from 1,000)", "xác minh 10.000 hồ sơ (tính từ 1.000)"),
    "console_overview_p95": (
        "console, a million deliveries: overview, p95",
        "trang điều hành, một triệu lượt gửi: tổng quan, p95",
    ),
    "console_ledger_p95": ("the same: a page of the ledger", "như trên: một trang sổ giao nhận"),
    "console_document_p95": ("the same: a document's page", "như trên: trang một văn bản"),
    "search_slowest_question": ("the slowest question, median", "câu hỏi chậm nhất, trung vị"),
}


def table(published: Path, language: str) -> str:
    """The rows, or a sentence that nothing was measured."""
    what, measured, goal, met, nothing = _WORDS[language]
    if not published.exists():
        return nothing + "\n"
    found = json.loads(published.read_text(encoding="utf-8"))
    rows = [_row(one, language) for one in found if one["goal"] is not None or one["name"] in _NAMES]
    return "\n".join([f"| {what} | {measured} | {goal} | {met} |", "|---|---|---|---|", *rows, ""])


def _row(one: dict[str, Any], language: str) -> str:
    english, vietnamese = _NAMES.get(one["name"], (one["name"], one["name"]))
    at_least = one["name"] in GOALS and GOALS[one["name"]].at_least
    name = english if language == "en" else vietnamese
    goal = "" if one["goal"] is None else f"{'≥' if at_least else '≤'} {one['goal']:g}"
    met = {None: "", True: "✓", False: "✗"}[one["met"]]
    measured = _UNMEASURED[language] if one["value"] is None else f"{_shown(one['value'])} {one['unit']}"
    return f"| {name} | {measured} | {goal} | {met} |"


def _shown(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.4g}"  # not 2.838e+04
