from typing import Any

from django.http import HttpResponse
from django.test import RequestFactory

from greenroom.web.accounts.discord_flow import allow_discord, allows_discord_redirect
from greenroom.web.policy import allow_form_action


def test_allow_discord_adds_its_origin_beside_others() -> None:
    response = HttpResponse()
    allow_form_action(response, "https://pay.example")

    allow_discord(response)

    assert response._csp_update == {"form-action": ["https://pay.example", "http://127.0.0.1:8000"]}  # type: ignore[attr-defined]  # noqa: SLF001 -- what django-csp reads


def test_allow_discord_without_discord_adds_nothing(settings: Any) -> None:
    settings.DISCORD = None

    assert not hasattr(allow_discord(HttpResponse()), "_csp_update")


def test_allows_discord_redirect_decorates_a_view() -> None:
    def page(_request: object, name: str) -> HttpResponse:
        return HttpResponse(name)

    response = allows_discord_redirect(page)(RequestFactory().get("/"), name="sam")

    assert response.content == b"sam"
    assert response._csp_update == {"form-action": ["http://127.0.0.1:8000"]}  # type: ignore[attr-defined]  # noqa: SLF001 -- as above
