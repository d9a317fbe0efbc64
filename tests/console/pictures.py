"""The pictures of the READMEs, of the demo, by the newcomer's walk: `make pictures`.

They lie in docs/pictures/<place>.<language>.webp, 1,200 wide. The bundle that the walk ends with is verified with
the demo's anchors, as an inspector would: exit 1 where that fails.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page
from yarl import URL

from tests.console.browsing import VIEWER, chromium
from tests.console.demo import demo

FOLDER = Path("docs/pictures")
#: How tall the window is for each place.
_HEIGHTS = {"overview": 860, "map": 800, "channel": 760, "document": 820, "desk": 840, "audit": 620}
_MOST_BYTES = 150_000
#: Drawn anew in the browser, which can write what this program cannot.
_SMALLER = """async (source) => {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = 1200;
  canvas.height = Math.round(image.height * 1200 / image.width);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/webp", 0.82);
}"""


class Album:
    """Takes each place in both languages."""

    def __init__(self, blank: Page) -> None:
        self._blank = blank

    async def look(self, name: str, page: Page) -> None:
        """Vietnamese first, as the walk is."""
        await page.set_viewport_size({"width": 1440, "height": _HEIGHTS[name]})
        for language in ("en", "vi"):
            await page.context.add_cookies(
                [
                    {
                        "name": "__Host-view",
                        "value": f"{language}.vn.light",
                        "url": str(URL(page.url).origin()),
                        "secure": True,
                    }
                ]
            )
            typed = await page.locator("main input:not([type=hidden])").evaluate_all(
                "all => all.map(each => each.value)"
            )
            await page.reload()
            if name == "desk":
                await page.wait_for_timeout(VIEWER)
                await page.locator("main input:not([type=hidden])").evaluate_all(
                    "(all, typed) => all.forEach((each, place) => { each.value = typed[place] ?? '' })", typed
                )
            await page.locator("#restored").evaluate_all("all => all.forEach(each => { each.hidden = true })")
            await self._keep(f"{name}.{language}", await page.screenshot())

    async def _keep(self, name: str, png: bytes) -> None:
        source = "data:image/png;base64," + base64.b64encode(png).decode()
        made = base64.b64decode((await self._blank.evaluate(_SMALLER, source)).partition(",")[2])
        assert len(made) < _MOST_BYTES, (name, len(made))
        (FOLDER / f"{name}.webp").write_bytes(made)


async def _main() -> int:
    await asyncio.to_thread(FOLDER.mkdir, parents=True, exist_ok=True)
    async with demo() as shown, chromium(is_whole=True) as browser:
        with tempfile.TemporaryDirectory() as place:
            album = Album(await browser.new_page())
            return await shown.verify(await shown.walk(browser, album.look).go(Path(place)))


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
