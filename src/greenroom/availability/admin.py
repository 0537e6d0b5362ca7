from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from greenroom.availability.models import Blackout, DateOverride, OverrideWindow, Schedule, Stay, WeeklyWindow
from greenroom.coaches.admin import CalendarAdmin


class WeeklyWindowInline(admin.TabularInline):
    model = WeeklyWindow
    extra = 0


class OverrideWindowInline(admin.TabularInline):
    model = OverrideWindow
    extra = 0


@admin.register(Schedule)
class ScheduleAdmin(CalendarAdmin):
    list_display = ("coach", "name", "tz", "is_default")
    list_select_related = ("coach",)
    search_fields = ("coach__display_name", "name")
    inlines = (WeeklyWindowInline,)

    def save_model(self, request: HttpRequest, obj: Schedule, form: ModelForm, change: bool) -> None:
        """Count as a change: a page that the coach has open must not overwrite it, nor undo jump over it."""
        obj.version += 1
        obj.previous_week = None
        super().save_model(request, obj, form, change)


@admin.register(DateOverride)
class DateOverrideAdmin(CalendarAdmin):
    coach_path = "schedule.coach_id"
    list_display = ("schedule", "on")
    list_select_related = ("schedule",)
    inlines = (OverrideWindowInline,)


@admin.register(Stay)
class StayAdmin(CalendarAdmin):
    """To be read and removed: only the service keeps stays from overlapping."""

    coach_path = "schedule.coach_id"
    list_display = ("schedule", "first_day", "last_day", "tz")
    list_select_related = ("schedule",)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's interface
        return False

    def has_change_permission(self, request: HttpRequest, obj: Stay | None = None) -> bool:  # noqa: ARG002 -- as above
        return False


@admin.register(Blackout)
class BlackoutAdmin(CalendarAdmin):
    list_display = ("coach", "starts_at", "ends_at", "reason")
    list_select_related = ("coach",)
