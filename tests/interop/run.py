"""`make interop`: asks every verifier that is here about every kind of evidence, and writes docs/interop.md.

Each cell is of this run: what the verifier said of the artefact, and of the same with one thing changed. A verifier
that could not be run is listed with the reason. The exit code is 1 where one said something else than is due.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gateway import __version__
from tests.interop.artefacts import Artefact, artefacts
from tests.interop.verifiers import VERIFIERS, Dss, Told, Verifier, asked, unpack

#: Kind of key -> member of the test PKI that seals.
KINDS: Final = {"RSA": "seal-rsa", "P-256": "seal-p256"}
PAGE: Final = Path(__file__).parents[2] / "docs" / "interop.md"
#: When EU DSS looks at a bundle of B-LTA, and what stands then.
_LATER: Final = (
    ("2026-11-23", "all certificates valid"),
    ("2029-06-01", "the seal's certificate has expired, that of the stamps has not"),
    ("2036-11-23", "that of the stamps has expired too"),
)
_HEAD: Final = """\
# What other verifiers say

Written by `make interop`: every cell is what a verifier of other people said when it was run. The bundles are
sealed by the test PKI (`tests/pki`), with revocation lists of every CA; an altered one is the same with one thing
changed.
"""
_WHAT: Final = """
`xmlsec1`, the JDK and Santuario verify a seal's signature and its references; what is added to a seal they do not
know. `openssl ts` is given the digest that a stamp must be over; that it is the right one, EU DSS and
`gateway-verify` find out by themselves. `openssl cms` sees the signature of a stamp alone. EU DSS runs without a
network: what it says rests on what is in the bundle, and on two anchors. The stamp over the checkpoint lies in a
folder of ours, where it does not look.
"""
_YEARS: Final = """\
## EU DSS, years later

A bundle exported with `--lta`, and an evidence record in it.

| as of | | receipt | export seal |
|---|---|---|---|"""
_AFTER: Final = """
EU DSS asks for a chain of stamps up to the present; once the certificate of the last one has expired it says
INDETERMINATE. `gateway-verify` judges a stamp at its own time by the auditor's anchor, and PASSES
(docs/bundle.md). Who wants both exports the document anew with `--lta` before that day.
"""
#: What `openssl cms` does not see: it looks at the signature of a stamp, not at what it is over.
BLIND: Final = {("openssl cms", key) for key in ("stamp", "record", "b-t", "b-lta")}
#: What those see that look at the seal's own signature, and not at what was added to it.
NOT_ADDED: Final = ("xmlsec1", "JDK", "Apache")


def is_due(verifier: Verifier, key: str, *, is_altered: bool) -> bool:
    """Whether it must accept."""
    if not is_altered or (verifier.name, key) in BLIND:
        return True
    return key in {"b-t", "b-lta"} and verifier.name.startswith(NOT_ADDED)


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.run", description=__doc__)
    parser.add_argument("--out", type=Path, default=PAGE)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text, wrong = report(Path(folder))
    arguments.out.write_text(text, "utf-8")
    for each in wrong:
        sys.stderr.write(f"{each}\n")
    return 1 if wrong else 0


def report(folder: Path) -> tuple[str, list[str]]:
    """The page, and what is not as it should be."""
    rows: dict[str, dict[str, str]] = {}
    state, wrong = [], []
    kinds = {kind: artefacts(member) for kind, member in KINDS.items()}
    for verifier in VERIFIERS:
        why = verifier.missing()
        state.append((verifier.name, "" if why else verifier.version(), why))
        for kind, found in ({} if why else kinds).items():
            good, altered = asked(verifier, folder / kind / type(verifier).__name__, found)
            for each in found:
                if each.key in good:
                    cell = _cell(verifier, each, good[each.key], altered.get(each.key))
                    rows.setdefault(f"{each.title}|{kind}", {})[verifier.name] = cell
                    wrong += _wrong(verifier, each, kind, good[each.key], altered.get(each.key))
    later = [] if Dss().missing() else _later(folder, kinds["RSA"])
    return _page(rows, state, later, kinds["RSA"]), wrong


def _cell(verifier: Verifier, each: Artefact, good: Told, altered: Told | None) -> str:
    word = good.word or ("accepts" if good.accepted else "REFUSES")
    if altered is None:
        return word
    if is_due(verifier, each.key, is_altered=True):
        return f"{word}; cannot see the change" if altered.accepted else f"{word}; refuses the altered one"
    return f"{word}; refuses the altered one" if not altered.accepted else f"{word}; ACCEPTS the altered one"


def _wrong(verifier: Verifier, each: Artefact, kind: str, good: Told, altered: Told | None) -> list[str]:
    found = [] if good.accepted else [f"{verifier.name} refuses {each.title} ({kind}) {good.word}"]
    if altered is not None and altered.accepted and not is_due(verifier, each.key, is_altered=True):
        found.append(f"{verifier.name} accepts what was altered: {each.title} ({kind}), {each.how}")
    return found


def _later(folder: Path, found: Sequence[Artefact]) -> list[tuple[str, str, str, str]]:
    """What EU DSS says of receipt and export seal as of later days."""
    lasting = [each for each in found if each.key == "b-lta"]
    bundles = unpack(folder / "later", lasting)
    told = []
    for day, what in _LATER:
        lines = Dss().lines(bundles, ["b-lta"], f"{day}T00:00:00Z")
        seals = [" ".join(each for each in (line[3], line[4].replace("null", "")) if each) for line in lines[:2]]
        told.append((day, what, seals[0], seals[1]))
    return told


def _page(
    rows: dict[str, dict[str, str]],
    state: list[tuple[str, str, str]],
    later: list[tuple[str, str, str, str]],
    found: Sequence[Artefact],
) -> str:
    run = [name for name, _, why in state if not why]
    stood = [
        f"- {name}: **not run**: {why}" if why else f"- {name} {version}".rstrip() for name, version, why in state
    ]
    lines = [_HEAD, f"- {datetime.now(UTC):%Y-%m-%d}, gateway {__version__}", *stood, "", "## Verdicts", ""]
    lines += [f"| | key | {' | '.join(run)} |", f"|---|---|{'---|' * len(run)}"]
    for title, kind in [(each.title, kind) for each in found for kind in KINDS]:
        cells = rows.get(f"{title}|{kind}", {})
        lines.append(f"| {title} | {kind} | {' | '.join(cells.get(name, '–') for name in run)} |")
    lines += ["", "–: it has nothing to say about that kind. Altered was:", ""]
    lines += [f"- {each.title}: {each.how}" for each in found]
    lines.append(_WHAT)
    if later:
        lines += [_YEARS, *(f"| {day} | {what} | {receipt} | {export} |" for day, what, receipt, export in later)]
        lines.append(_AFTER)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main())
