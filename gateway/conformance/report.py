"""The report: JSON for programs, one HTML page for people. Pure; the same results give the same bytes.

The page needs nothing from elsewhere, runs no script, prints on paper, and says everything in Vietnamese first.
Whatever came from the system under test is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final

import msgspec

from gateway.clock import VIETNAM, rfc3339
from gateway.conformance.verdicts import Grade, Result, Words, tally

_NAMES: Final = {
    Grade.PASSED: Words("ĐẠT", "passed"),
    Grade.FAILED: Words("CHƯA ĐẠT", "failed"),
    Grade.SKIPPED: Words("BỎ QUA", "skipped"),
}
_MARKS: Final = {Grade.PASSED: "✓", Grade.FAILED: "✗", Grade.SKIPPED: "–"}
_STYLE: Final = """
:root{color-scheme:light}
body{font:16px/1.5 system-ui,"DejaVu Sans",sans-serif;max-width:58rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;
background:#fff}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .3rem}h2{font-size:1.2rem;margin:2.2rem 0 .6rem}
.en{color:#555;font-size:.88em}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:1rem 0}dt{color:#555}dd{margin:0;
overflow-wrap:anywhere}
.sum{display:flex;gap:1rem;margin:1.2rem 0}
.sum div{flex:1;border:1px solid #ccc;border-left-width:.5rem;padding:.4rem .8rem}
.sum b{font-size:1.7rem;display:block;line-height:1.2}
.passed{border-left-color:#1d7a34!important}.failed{border-left-color:#b3261e!important}
.skipped{border-left-color:#8a8a8a!important}
section{border:1px solid #ddd;border-left:.5rem solid;padding:.5rem .9rem;margin:.6rem 0;break-inside:avoid}
section h3{font-size:1rem;margin:0;display:flex;gap:.6rem;align-items:baseline}
section h3 .grade{margin-left:auto;font-size:.8rem;white-space:nowrap;letter-spacing:.02em}
.passed .grade{color:#1d7a34}.failed .grade{color:#b3261e}.skipped .grade{color:#666}
.below{display:block}
section p{margin:.35rem 0 0;overflow-wrap:anywhere}
.mend{background:#fdf3f2;padding:.4rem .6rem}
.label{font-weight:600}
code{font:13px/1.4 ui-monospace,"DejaVu Sans Mono",monospace}
@media print{body{margin:0;max-width:none;font-size:10.5pt}.mend{background:none;border:1px solid #b3261e}}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything that is told."""

    #: What was tested: a URL, or the agency that the system spoke for.
    subject: str
    binding: str
    began_at: datetime
    ended_at: datetime
    results: tuple[Result, ...]


def as_json(report: Report) -> bytes:
    """For programs."""
    found = {
        "subject": report.subject,
        "binding": report.binding,
        "began_at": rfc3339(report.began_at),
        "ended_at": rfc3339(report.ended_at),
        **msgspec.structs.asdict(tally(report.results)),
        "steps": [
            {
                "key": result.key,
                "grade": result.verdict.grade.value,
                "title": _both(result.title),
                "asked": _both(result.asked),
                "saw": _both(result.verdict.saw),
                "mend": _both(result.mend) if result.verdict.grade is Grade.FAILED else None,
            }
            for result in report.results
        ],
    }
    return msgspec.json.format(msgspec.json.encode(found)) + b"\n"


def as_html(report: Report) -> bytes:
    """For people, and for the file of an acceptance."""
    count = tally(report.results)
    began = report.began_at.astimezone(VIETNAM)
    minutes = (report.ended_at - report.began_at).total_seconds() / 60
    parts = [
        "<!doctype html><html lang=vi><head><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width">',
        f"<title>Kiểm tra tương thích: {escape(report.subject)}</title><style>{_STYLE}</style></head><body>",
        "<h1>Báo cáo kiểm tra tương thích</h1><div class=en lang=en>Conformance report</div><dl>",
        f"<dt>Đối tượng <span class=en lang=en>subject</span><dd><code>{escape(report.subject)}</code>",
        f"<dt>Giao thức <span class=en lang=en>binding</span><dd><code>{escape(report.binding)}</code>",
        f"<dt>Bắt đầu <span class=en lang=en>began</span><dd>{began:%d/%m/%Y %H:%M:%S} (giờ Việt Nam)",
        f"<dt>Thời gian <span class=en lang=en>took</span><dd>{minutes:.1f} phút / min</dl><div class=sum>",
        _count(Grade.PASSED, count.passed),
        _count(Grade.FAILED, count.failed),
        _count(Grade.SKIPPED, count.skipped),
        "</div>",
    ]
    broken = [result for result in report.results if result.verdict.grade is Grade.FAILED]
    if broken:
        parts.append("<h2>Cần sửa <span class=en lang=en>to be mended</span></h2>")
        parts += [_section(result) for result in broken]
    head = "Các bước khác <span class=en lang=en>the others</span>"
    parts.append(f"<h2>{head if broken else 'Các bước <span class=en lang=en>the steps</span>'}</h2>")
    parts += [_section(result) for result in report.results if result.verdict.grade is not Grade.FAILED]
    parts.append("</body></html>\n")
    return "\n".join(parts).encode()


def _count(grade: Grade, count: int) -> str:
    name = _NAMES[grade]
    return f"<div class={grade.value}><b>{count}</b>{name.vi.lower()} <span class=en lang=en>{name.en}</span></div>"


def _section(result: Result) -> str:
    grade = result.verdict.grade
    name = _NAMES[grade]
    parts = [
        f"<section class={grade.value}><h3><span>{_MARKS[grade]}</span><span>{_line(result.title)}</span>",
        f"<span class=grade>{name.vi} · <code>{escape(result.key)}</code></span></h3>",
        _paragraph("Yêu cầu", "asked", result.asked),
        _paragraph("Đã thấy", "seen", result.verdict.saw),
    ]
    if grade is Grade.FAILED:
        parts.append(_paragraph("Cách sửa", "how to mend it", result.mend, kind="mend"))
    parts.append("</section>")
    return "".join(parts)


def _paragraph(vi: str, en: str, words: Words, kind: str = "") -> str:
    if not words.vi:
        return ""
    told = escape(words.vi)
    if words.en != words.vi:
        told += f'<span class="en below" lang=en>{escape(words.en)}</span>'
    return f'<p class="{kind}"><span class=label>{vi}</span> <span class=en lang=en>{en}</span>: {told}</p>'


def _line(words: Words) -> str:
    return f"{escape(words.vi)} <span class=en lang=en>{escape(words.en)}</span>"


def _both(words: Words) -> dict[str, str]:
    return {"vi": words.vi, "en": words.en}
