import pytest
from tests.journeys.conftest import DESKTOP, PHONE, Demo, NewPage
from tests.journeys.steps import violations

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
