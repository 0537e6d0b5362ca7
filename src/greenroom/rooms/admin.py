from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from greenroom.core import clock
from greenroom.core.admin import ReadOnlyAdmin
from greenroom.rooms import services
from greenroom.rooms.models import BotRecord, DiscordObject, Room, RoomAccess, RoomReminder


class RoomAccessInline(admin.TabularInline):
    model = RoomAccess
    extra = 0
    can_delete = False
    fields = readonly_fields = ("role", "booking", "discord_user_id", "state", "last_error", "checked_at")

    def has_add_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False


class DiscordObjectInline(admin.TabularInline):
    model = DiscordObject
    extra = 0
    can_delete = False
    fields = readonly_fields = ("kind", "object_id", "marker", "asked_at", "seen_at", "deleted_at")

    def has_add_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False


class RoomReminderInline(admin.TabularInline):
    model = RoomReminder
    extra = 0
    can_delete = False
    fields = readonly_fields = ("discord_user_id", "starts_at", "asked_at", "ask_count", "sent_at", "refused_with")

    def has_add_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False


@admin.register(Room)
class RoomAdmin(ReadOnlyAdmin):
    list_display = (
        "session",
        "state",
        "next_check_at",
        "failure_count",
        "last_error",
        "last_error_detail",
    )
    list_filter = ("state",)
    list_select_related = ("session",)
    search_fields = ("ref", "discord_objects__marker", "discord_objects__object_id", "last_error_detail")
    ordering = ("-session__starts_at",)
    inlines: ClassVar = [RoomAccessInline, DiscordObjectInline, RoomReminderInline]
    actions = ("look_now",)

    @admin.action(description="Look at the selected rooms right now", permissions=["view"])
    def look_now(self, request: HttpRequest, queryset: QuerySet[Room]) -> None:
        now = clock.now()
        for session_id in queryset.values_list("session_id", flat=True):
            services.request_reconcile(session_id, now=now)
        self.message_user(request, "The rooms will be looked at within seconds.")


@admin.register(DiscordObject)
class DiscordObjectAdmin(ReadOnlyAdmin):
    list_display = ("object_id", "kind", "marker", "guild_id", "room", "asked_at", "seen_at", "deleted_at")
    list_filter = ("kind",)
    list_select_related = ("room",)
    search_fields = ("object_id", "marker")
    ordering = ("-pk",)


@admin.register(BotRecord)
class BotRecordAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "is_token_dead", "died_at", "stopped_until")
    actions = ("revive",)

    @admin.action(description="Use the bot token again, which Discord refused", permissions=["view"])
    def revive(self, request: HttpRequest, queryset: QuerySet[BotRecord]) -> None:
        queryset.update(is_token_dead=False, died_at=None)
        self.message_user(request, "The token is used again with the next call.")
