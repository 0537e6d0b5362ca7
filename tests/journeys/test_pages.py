from typing import Any

import pytest
from playwright.sync_api import Page
from tests.journeys.conftest import DESKTOP, PHONE, Demo, NewPage

PAGES = (
    "/",
    "/coaches/",
    "/maya-lindqvist/",
    "/book/maya-lindqvist/",
    "/find-booking/",
    "/account/login/",
    "/sandbox/",
)
MOST_BYTES = 100_000


def violations(page: Page, axe: str) -> list[Any]:
    """Run axe-core; `bypass_csp` is not needed, because it is injected by the browser's own tools."""
    page.evaluate(axe)
    found = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']})"
    )
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_public_pages_have_no_accessibility_violations(
    demo: Demo, new_page: NewPage, axe: str, scheme: str, viewport: dict[str, int]
) -> None:
    page = new_page(scheme=scheme, viewport=viewport)

    found = {}
    for path in PAGES:
        page.goto(f"{demo.address}{path}")
        found[path] = violations(page, axe)

    assert {path: broken for path, broken in found.items() if broken} == {}


def test_booking_page_is_light_and_never_scrolls_sideways(demo: Demo, new_page: NewPage) -> None:
    page = new_page(viewport={"width": 320, "height": 640})
    sizes: list[int] = []
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))

    page.goto(f"{demo.address}/book/maya-lindqvist/", wait_until="networkidle")

    assert sum(sizes) <= MOST_BYTES
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
