from django.contrib import admin

from greenroom.core.admin import ReadOnlyAdmin
from greenroom.entitlements.models import Entitlement


@admin.register(Entitlement)
class EntitlementAdmin(ReadOnlyAdmin):
    list_display = ("user", "kind", "thing_pk", "source", "granted_at", "ends_at", "revoked_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("user__email", "source")
    ordering = ("-pk",)
