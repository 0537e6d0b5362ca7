"""What one page may do beyond the Content-Security-Policy of all."""

from typing import Any

from django.http.response import HttpResponseBase


def allow_form_action(response: HttpResponseBase, origin: str) -> None:
    """Add an origin to the `form-action` of one response, beside those that were added before.

    Browsers apply it to redirects after a POST, too: a page needs it for wherever its forms lead in the end.
    """
    update: dict[str, Any] = dict(getattr(response, "_csp_update", None) or {})
    update["form-action"] = [*update.get("form-action", []), origin]
    response._csp_update = update  # type: ignore[attr-defined]  # noqa: SLF001 -- django-csp reads this attribute
