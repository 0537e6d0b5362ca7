from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from greenroom.core.models import AuditEntry

_TONES = {
    "good": {
        "confirmed",
        "completed",
        "done",
        "sent",
        "paid",
        "approved",
        "published",
        "open",
        "succeeded",
        "processed",
    },
    "wait": {"held", "pending_payment", "pending_approval", "due", "planned", "processing", "pending", "requested"},
    "bad": {"failed", "no_show", "rejected", "suspended", "degraded", "blocked", "dead"},
}


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that are looked at here and changed by services alone."""

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False


def badge(state: str) -> SafeString:
    """Draw a state as a word on a coloured ground; the word says it, the colour only helps."""
    tone = next((tone for tone, states in _TONES.items() if state in states), "plain")
    return format_html('<span class="state state-{}">{}</span>', tone, state.replace("_", " "))


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor_kind", "actor_user_id", "action", "object_kind", "object_id", "reason", "road")
    list_filter = ("action", "actor_kind", "road")
    search_fields = ("object_id", "reason")
    ordering = ("-pk",)
