"""Every address of the site."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from greenroom.api import cron, docs, health, webhooks
from greenroom.api.availability import slots_by_number
from greenroom.api.v1 import api, unversioned
from greenroom.web.accounts.urls import urlpatterns as account_pages
from greenroom.web.studio.urls import urlpatterns as studio_pages
from greenroom.web.urls import coach_patterns
from greenroom.web.urls import urlpatterns as pages

admin.site.site_title = admin.site.site_header = "Greenroom"
admin.site.index_title = "Administration"

_v1 = api.urls

urlpatterns: list[URLPattern | URLResolver] = [
    *account_pages,
    path("admin/", admin.site.urls),
    path("api/cron/process-sessions", cron.process_sessions, name="cron"),
    path("api/webhooks/stripe", webhooks.stripe, name="webhook"),
    path("payments/webhook/", webhooks.stripe, name="webhook_older"),
    path("api/v1/", _v1),
    *unversioned(_v1[0]),
    path("coaching/api/coach/<int:number>/slots/", slots_by_number),
    path("api/docs", docs.docs, name="api_docs"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("ops/", include("greenroom.web.ops.urls")),
    *studio_pages,
    *pages,
]

if settings.SANDBOX_ENABLED:
    urlpatterns += [
        path("sandbox/discord/", include("greenroom.integrations.discord.sandbox.urls")),
        path("sandbox/", include("greenroom.web.sandbox.urls")),
    ]

# Last: whatever is not an address of the site may be a coach's.
urlpatterns += coach_patterns
