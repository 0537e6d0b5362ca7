from django.contrib import admin
from django.utils.safestring import SafeString

from greenroom.core.admin import ReadOnlyAdmin, badge
from greenroom.notifications.models import Message


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("kind", "to", "badge", "subject", "created_at", "closed_at", "last_error")
    list_filter = ("state", "kind")
    search_fields = ("to", "subject", "key")
    ordering = ("-pk",)

    @admin.display(description="state", ordering="state")
    def badge(self, message: Message) -> SafeString:
        return badge(message.state)
