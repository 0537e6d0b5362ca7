"""Who may open the pages for whoever runs the site."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache

from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import NotFoundError
from greenroom.core.http import client_address
from greenroom.web.visitors import signed_in


def staff_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Let staff in, ask others to sign in, and show nothing to those who are signed in and are no staff."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: str, **kwargs: int) -> HttpResponseBase:
        user = signed_in(request)
        if user is None:
            return redirect_to_login(request.get_full_path(), "account_login")
        if not user.is_staff:
            raise NotFoundError
        return view(request, *args, **kwargs)

    return guarded


def admin_of(request: HttpRequest) -> Actor:
    """Return the signed-in member of staff as an actor; for views that are `staff_only`."""
    user = signed_in(request)
    return Actor(ActorKind.ADMIN, user.pk if user else None, client_address(request))
