"""The names that templates link to, each at a place of its own."""

from django.http import HttpRequest, HttpResponse
from django.urls import path


def nothing(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


NAMES = (
    "home",
    "directory",
    "theme",
    "zones",
    "lost_link",
    "account_login",
    "account_logout",
    "account_request_login_code",
    "sandbox",
    "sessions",
    "purchases",
    "library",
    "ops",
)
urlpatterns = [path(f"{name}/", nothing, name=name) for name in NAMES]
