"""What a person does who has no mouse: go to a field or a link by the Tab key, and type."""

from __future__ import annotations

from playwright.async_api import Page

#: More than stand before anything on a page.
_MOST = 120
#: What the focus is on fits, and one sees that it is there.
_IS_ON = """selector => {
  const here = document.activeElement;
  if (!here?.matches(selector)) return "";
  const look = getComputedStyle(here);
  return look.outlineStyle === "none" && look.boxShadow === "none" ? "unseen" : "seen";
}"""


async def tab_onto(page: Page, selector: str) -> None:
    """Press Tab until what fits the selector has the focus; it must be seen to have it."""
    for _ in range(_MOST):
        if found := await page.evaluate(_IS_ON, selector):
            assert found == "seen", f"nobody sees that the focus is on {selector}"
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"no way to {selector} by the Tab key")


async def tab_to(page: Page, name: str) -> None:
    """The same for the field of a name."""
    await tab_onto(page, f"[name='{name}']")


async def typed(page: Page, **fields: str) -> None:
    """Fill in a form."""
    for name, text in fields.items():
        await tab_to(page, name)
        await page.keyboard.type(text)
