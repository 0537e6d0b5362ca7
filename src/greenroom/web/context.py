"""What every page is given."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from greenroom.web.visitors import THEMES, sight_of, signed_in


def page(request: HttpRequest) -> dict[str, Any]:
    """Return zone, clock, theme and the sandbox flag; a view may show another zone than the visitor's guess."""
    sight = sight_of(request)
    theme = request.COOKIES.get("theme", "")
    user = signed_in(request)
    return {
        "viewer": sight.viewer,
        "zone_guess": sight.is_guess,
        "theme": theme if theme in THEMES else "",
        "sandbox": settings.SANDBOX_ENABLED,
        "studio_url": reverse("studio") if user and hasattr(user, "coach") else "",
    }
