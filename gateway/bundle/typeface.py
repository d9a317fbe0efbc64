"""The typeface of the printable certificate: DejaVu Sans, cut down to Latin letters with all Vietnamese ones.

`fonts/DejaVuSans.ttf` holds the outlines of some 800 characters (fonts/README.md says how it was made). Read
here is what a PDF needs: which glyph a character has, how wide it is, and a font file with the glyphs that are used
alone. Trusted data of ours: no byte of it comes from outside.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).with_name("fonts") / "DejaVuSans.ttf"
#: For characters that the typeface lacks.
_MISSING: Final = "\u25a1"
#: Flags of a glyph that is put together of others (OpenType, glyf).
_WORDS, _SCALE, _MORE, _TWO_SCALES, _MATRIX = 0x0001, 0x0008, 0x0020, 0x0040, 0x0080
_COMPOSITE_HEAD: Final = 10
_LAST: Final = 0xFFFF
_LOCA_FORMAT: Final = 50
#: What a PDF viewer needs of a font with glyph numbers of its own.
_KEPT: Final = ("cvt ", "fpgm", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "prep")


@dataclass(frozen=True, kw_only=True, slots=True)
class Typeface:
    """One font file."""

    tables: dict[str, bytes]
    #: Character -> number of its glyph.
    glyphs: dict[int, int]
    #: By number of the glyph, in thousandths of the size.
    widths: tuple[int, ...]
    #: In thousandths of the size: left, bottom, right, top.
    box: tuple[int, int, int, int]
    ascent: int
    descent: int

    def shown(self, text: str) -> str:
        """A text as it is set: composed letters, no control characters, a box for what the typeface lacks."""
        composed = unicodedata.normalize("NFC", text)
        return "".join(
            (each if ord(each) in self.glyphs else _MISSING) if each.isprintable() else " " for each in composed
        )

    def glyphs_of(self, text: str) -> list[int]:
        """The glyphs of a text that is `shown`."""
        return [self.glyphs[ord(each)] for each in text]

    def width_of(self, text: str, size: float) -> float:
        """Its width at a size, in points."""
        return sum([self.widths[self.glyphs[ord(each)]] for each in text]) * size / 1000

    def cut_to(self, used: Iterable[int]) -> bytes:
        """A font file with these glyphs and no others; numbers stay as they are."""
        offsets = self._offsets()
        kept, outlines, places = self._with_parts(used, offsets), bytearray(), []
        for glyph in range(len(self.widths)):
            places.append(len(outlines))
            if glyph in kept:
                outlines += self.tables["glyf"][offsets[glyph] : offsets[glyph + 1]]
        places.append(len(outlines))
        head = bytearray(self.tables["head"])
        struct.pack_into(">h", head, _LOCA_FORMAT, 1)
        cut = {"glyf": bytes(outlines), "loca": struct.pack(f">{len(places)}I", *places), "head": bytes(head)}
        return _font_file({name: cut.get(name, self.tables[name]) for name in _KEPT if name in self.tables})

    def _offsets(self) -> tuple[int, ...]:
        """Where each outline begins, and where the last one ends."""
        count = len(self.widths) + 1
        if struct.unpack_from(">h", self.tables["head"], _LOCA_FORMAT)[0]:
            return struct.unpack(f">{count}I", self.tables["loca"])
        return tuple(2 * half for half in struct.unpack(f">{count}H", self.tables["loca"]))

    def _with_parts(self, used: Iterable[int], offsets: tuple[int, ...]) -> set[int]:
        kept, waiting = {0}, list(used)
        while waiting:
            glyph = waiting.pop()
            if glyph in kept:
                continue
            kept.add(glyph)
            waiting += _parts(self.tables["glyf"][offsets[glyph] : offsets[glyph + 1]])
        return kept


@cache
def typeface() -> Typeface:
    """The one there is."""
    tables = _tables(_FILE.read_bytes())
    per_em, *box = struct.unpack_from(">H16x4h", tables["head"], 18)
    ascent, descent = struct.unpack_from(">2h", tables["hhea"], 4)
    (long_metrics,) = struct.unpack_from(">H", tables["hhea"], 34)
    (count,) = struct.unpack_from(">H", tables["maxp"], 4)
    widths = [struct.unpack_from(">H", tables["hmtx"], 4 * number)[0] for number in range(long_metrics)]
    widths += widths[-1:] * (count - long_metrics)

    def scaled(value: int) -> int:
        return round(value * 1000 / int(per_em))

    left, bottom, right, top = map(scaled, box)
    return Typeface(
        tables=tables,
        glyphs=_characters(tables["cmap"]),
        widths=tuple(map(scaled, widths)),
        box=(left, bottom, right, top),
        ascent=scaled(ascent),
        descent=scaled(descent),
    )


def _tables(file: bytes) -> dict[str, bytes]:
    (count,) = struct.unpack_from(">H", file, 4)
    found = {}
    for number in range(count):
        name, _, offset, size = struct.unpack_from(">4s3I", file, 12 + 16 * number)
        found[name.decode("ascii")] = file[offset : offset + size]
    return found


def _characters(cmap: bytes) -> dict[int, int]:
    """Of the subtable of format 4 for Unicode (OpenType, cmap)."""
    (count,) = struct.unpack_from(">H", cmap, 2)
    offset = next(
        offset
        for platform, encoding, offset in struct.iter_unpack(">2HI", cmap[4 : 4 + 8 * count])
        if (platform, encoding) == (3, 1)
    )
    table = cmap[offset:]
    segments = struct.unpack_from(">H", table, 6)[0] // 2
    ends, starts, deltas, ranges = (
        struct.unpack_from(f">{segments}H", table, 14 + at)
        for at in (0, 2 * segments + 2, 4 * segments + 2, 6 * segments + 2)
    )
    found = {}
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        for character in range(start, min(end, _LAST - 1) + 1):
            glyph = character
            if ranges[number]:
                at = 14 + 6 * segments + 2 + 2 * number + ranges[number] + 2 * (character - start)
                (glyph,) = struct.unpack_from(">H", table, at)
            if glyph:
                found[character] = (glyph + deltas[number]) & _LAST
    return found


def _parts(outline: bytes) -> list[int]:
    """The glyphs that one is put together of."""
    if not outline or struct.unpack_from(">h", outline)[0] >= 0:
        return []
    found, at, more = [], _COMPOSITE_HEAD, True
    while more:
        flags, glyph = struct.unpack_from(">2H", outline, at)
        found.append(glyph)
        at += 4 + (4 if flags & _WORDS else 2)
        at += 2 * bool(flags & _SCALE) + 4 * bool(flags & _TWO_SCALES) + 8 * bool(flags & _MATRIX)
        more = bool(flags & _MORE)
    return found


def _font_file(tables: dict[str, bytes]) -> bytes:
    """An OpenType file (OpenType, table directory)."""
    power = len(tables).bit_length() - 1
    head = struct.pack(">I4H", 0x00010000, len(tables), 16 << power, power, 16 * (len(tables) - (1 << power)))
    offset, directory, body = len(head) + 16 * len(tables), b"", b""
    for name, table in sorted(tables.items()):
        padded = table + bytes(-len(table) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        directory += struct.pack(">4s3I", name.encode(), total, offset + len(body), len(table))
        body += padded
    return head + directory + body
