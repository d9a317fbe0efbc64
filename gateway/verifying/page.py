"""A verification as one HTML page, without scripts or anything from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Final

from gateway.bundle.absence import Question
from gateway.verifying.findings import REASONS, Check, Verification

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #999;padding:.3rem;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere}.PASSED{color:#065f2c}.FAILED{color:#a00000;font-weight:bold}"
    ".INDETERMINATE{color:#7a4b00}"
)
_VERDICTS: Final = {"PASSED": "đạt", "FAILED": "sai", "INDETERMINATE": "không kết luận được"}


def page_of(name: str, found: Verification) -> str:
    """The page, in both languages."""
    rows = "".join(_row(check) for check in found.checks)
    notes = "".join(f"<li>{escape(each)}</li>" for each in found.not_examined)
    document = found.facts.document if found.facts else None
    about = f"<p>{escape(document.id)}, SHA-256 {document.sha256}</p>" if document else _question(found.question)
    about = f"<p>Sổ cái tháng / ledger of {escape(found.month)}</p>" if found.month else about
    return (
        '<!doctype html>\n<html lang="vi"><head><meta charset="utf-8">'
        f"<title>{escape(name)}: {found.verdict}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(name)}</h1>{about}"
        f'<p class="{found.verdict}">{found.verdict}: {_VERDICTS[found.verdict]}</p>'
        f"<p>Kiểm tra tại thời điểm / as of {escape(found.at.isoformat())}</p>"
        "<table><thead><tr><th scope=col>Mục / check</th><th scope=col>Kết quả / verdict</th>"
        f"<th scope=col>Lý do / reason</th></tr></thead><tbody>{rows}</tbody></table>"
        f"<h2>Không kiểm tra / not examined</h2><ul>{notes}</ul></body></html>\n"
    )


def _question(asked: Question | None) -> str:
    if asked is None:
        return ""
    rows = (
        ("Không có văn bản của / no document by", f"{asked.issuer.name} ({asked.issuer.code})"),
        ("gửi / to", f"{asked.recipient.name} ({asked.recipient.code})" if asked.recipient else "…"),
        ("số, ký hiệu / number", asked.number or "…"),
        ("từ ngày, đến ngày / from, to", f"{asked.first}, {asked.last}"),
    )
    return "".join(f"<p>{escape(label)}: {escape(text)}</p>" for label, text in rows)


def _row(check: Check) -> str:
    vietnamese, english = REASONS.get(check.reason, ("", ""))
    told = "<br>".join(escape(each) for each in (check.reason, vietnamese, english, check.detail) if each)
    mark = "" if check.counts else "<br>không tính / does not count"
    return (
        f'<tr><th scope="row">{escape(check.name)}</th><td class="{check.verdict}">{check.verdict}{mark}</td>'
        f"<td>{told}</td></tr>"
    )
