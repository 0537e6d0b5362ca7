"""Version 1 of the JSON API. `/api/docs` shows it; `/api/v1/openapi.json` describes it."""

from collections.abc import Iterable
from typing import Any

from django.urls import URLPattern, URLResolver, path
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from greenroom.api import availability, bookings, coaches, problems


class Api(NinjaAPI):
    """An API whose description also names the problem documents it answers."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:  # noqa: ANN401 -- handed through
        """Return the OpenAPI document."""
        document = super().get_openapi_schema(**options)
        problems.describe(document)
        return document

    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        """Return the addresses; what the framework would refuse in its own words is told as a problem, too."""
        patterns, app, namespace = super().urls
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                pattern.callback = problems.told_as_problem(pattern.callback)
        return [*patterns, path("<path:unknown>", problems.no_such_address)], app, namespace


api = Api(
    title="Greenroom",
    version="1",
    description="Coaches, their free times, and booking them. Errors are problem documents with a stable `code`.",
    urls_namespace="api",
    docs_url=None,
)
# What older documents call without a version, and under which address.
_UNVERSIONED = {
    "bookings": "bookings",
    "bookings/<ref>/pay": "checkout/bookings/<ref>",
    "availability/windows": "availability/windows",
    "availability/blackouts": "availability/blackouts",
    "availability/slots": "availability/slots",
}
# What they call besides, and what stands in its place.
_OFFERS = "GET /api/v1/coaches/{coach}/offers lists what is."
_NOT_HERE = {
    "checkout/packages/<path:number>": f"Packages are not sold here yet. {_OFFERS}",
    "courses/<path:number>/checkout": f"Courses are not sold here yet. {_OFFERS}",
    "checkout/payment-intent": "A payment begins with POST /api/v1/bookings/{ref}/pay, which answers where to pay.",
}


def unversioned(patterns: Iterable[URLResolver | URLPattern]) -> list[URLPattern]:
    """Return the older addresses directly under `/api/`: each call is answered by the very same view."""
    calls = {str(pattern.pattern): pattern for pattern in patterns if isinstance(pattern, URLPattern)}
    return [
        *(path(f"api/{older}", calls[name].callback) for name, older in _UNVERSIONED.items()),
        *(path(f"api/{older}", problems.not_here, {"instead": instead}) for older, instead in _NOT_HERE.items()),
    ]


problems.register(api)
api.add_router("", coaches.router)
api.add_router("", bookings.router)
api.add_router("", availability.router)
