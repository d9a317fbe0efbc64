"""The certificate as a page, which loads nothing and runs nothing."""

from __future__ import annotations

import io
from html import escape
from typing import Final

import segno

from gateway.bundle.certificate import NOBODY, Code, Ladder, Language, Signed, Told, paper_of, qr_text
from gateway.bundle.facts import Facts

_STYLE: Final = (
    "body{font:15px/1.5 'Be Vietnam Pro','DejaVu Sans',system-ui,sans-serif;max-width:46rem;margin:2rem auto;"
    "padding:0 1rem}code{overflow-wrap:anywhere}dt{font-weight:bold}li{margin:.3rem 0}"
    ".qr svg{width:9rem;height:9rem}"
)


def page(facts: Facts, language: Language, signed: Signed = NOBODY) -> bytes:
    """The page; nothing in it comes from elsewhere."""
    paper = paper_of(facts, language, signed)
    rows = "".join(f"<dt>{name}</dt><dd>{'<br>'.join(map(_set, lines))}</dd>" for name, lines in paper.rows)
    ladders = "".join(map(_ladder, paper.ladders))
    log = f"<p>{_set(paper.log)}</p>" if paper.log else ""
    limits = "".join(f"<li>{each}</li>" for each in paper.limits)
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{paper.title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{paper.title}</h1><dl>{rows}</dl>{ladders}{log}"
        f"<h2>{paper.limits_title}</h2><ul>{limits}</ul><p>{paper.how}</p>"
        f'<div class="qr">{_code(facts)}</div></body></html>\n'
    ).encode()


def _set(told: Told) -> str:
    return "".join(f"<code>{escape(each.text)}</code>" if isinstance(each, Code) else escape(each) for each in told)


def _ladder(ladder: Ladder) -> str:
    rungs = "".join(f"<li>{_set(each)}</li>" for each in ladder.rungs)
    return f"<h2>{escape(ladder.recipient)}</h2><p>{escape(ladder.state)}</p><ol>{rungs}</ol>"


def _code(facts: Facts) -> str:
    """The QR code as SVG."""
    out = io.BytesIO()
    segno.make(qr_text(facts), error="m", micro=False).save(out, kind="svg", xmldecl=False, svgns=True, nl=False)
    return out.getvalue().decode()
