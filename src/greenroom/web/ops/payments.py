"""Setting up payments: the account, where callbacks go, and those that came."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from greenroom.core import clock
from greenroom.payments import gateways, queries, services
from greenroom.payments.errors import EndpointRefusedError
from greenroom.web.ops.access import admin_of, staff_only

_EVENTS_SHOWN = 20


@staff_only
@require_safe
def payments(request: HttpRequest) -> HttpResponse:
    """Show how payments stand; asks the gateway."""
    gateway = gateways.find_hosted()
    context = {
        "gateway": gateway,
        "is_simulated": settings.SANDBOX_ENABLED,
        "url": _callback_urls()[0],
        "check": services.check_gateway(urls=_callback_urls()) if gateway and gateway.setup else None,
        "has_secret_in_settings": bool(settings.ENVIRONMENT.stripe_webhook_secrets),
        "events": queries.latest_events(_EVENTS_SHOWN),
    }
    return render(request, "ops/payments.html", context)


@staff_only
@require_POST
def connect(request: HttpRequest) -> HttpResponse:
    """Make the gateway send its callbacks here."""
    urls = _callback_urls()
    try:
        services.connect_endpoint(url=urls[0], urls=urls, actor=admin_of(request), now=clock.now())
    except EndpointRefusedError as error:
        messages.error(request, f"The gateway made no endpoint: {error.message}")
    else:
        messages.success(request, "The gateway sends its callbacks here now.")
    return redirect("ops_payments")


def _callback_urls() -> tuple[str, str]:
    """Return where callbacks may come in: the address that we give, and the older one."""
    return f"{settings.BASE_URL}{reverse('webhook')}", f"{settings.BASE_URL}{reverse('webhook_older')}"
