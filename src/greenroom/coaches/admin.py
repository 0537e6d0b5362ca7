from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from greenroom.coaches import services
from greenroom.coaches.models import Coach, Topic
from greenroom.coaches.queries import lock_coach
from greenroom.coaches.types import CoachStatus
from greenroom.core import clock
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.admin import badge


@admin.register(Coach)
class CoachAdmin(admin.ModelAdmin):
    list_display = ("display_name", "slug", "badge", "is_verified", "is_accepting_students", "joined_at")
    list_filter = ("status", "is_verified", "is_accepting_students", "topics")
    list_select_related = ("user",)
    search_fields = ("display_name", "slug", "user__email")
    raw_id_fields = ("user",)
    filter_horizontal = ("topics",)
    actions = ("approve", "suspend")

    @admin.display(description="status", ordering="status")
    def badge(self, coach: Coach) -> SafeString:
        return badge(coach.status)

    @admin.action(description="Approve the selected coaches", permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Coach]) -> None:
        self._set_status(request, queryset, CoachStatus.APPROVED)

    @admin.action(
        description="Suspend the selected coaches: they are hidden and cannot be booked", permissions=["change"]
    )
    def suspend(self, request: HttpRequest, queryset: QuerySet[Coach]) -> None:
        self._set_status(request, queryset, CoachStatus.SUSPENDED)

    def _set_status(self, request: HttpRequest, queryset: QuerySet[Coach], status: CoachStatus) -> None:
        actor = Actor(ActorKind.ADMIN, request.user.pk)
        for coach in queryset:
            services.set_status(coach=coach, status=status, actor=actor, now=clock.now())
        self.message_user(request, f"Now {status}.")

    def save_model(self, request: HttpRequest, obj: Coach, form: Any, change: bool) -> None:
        """Lock the calendar of a coach who is changed, as every change of what can be booked does."""
        super().save_model(request, obj, form, change)
        lock_coach(obj.pk)


class CalendarAdmin(admin.ModelAdmin):
    """Rows that decide what can be booked: changing or deleting one locks the calendar of its coach.

    `coach_path` leads from the row to its coach's id.
    """

    coach_path = "coach_id"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        lock_coach(self._coach_id(obj))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        lock_coach(self._coach_id(obj))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            for coach_id in sorted({self._coach_id(obj) for obj in queryset}):
                lock_coach(coach_id)
            super().delete_queryset(request, queryset)

    def _coach_id(self, obj: Any) -> int:
        coach_id: int = attrgetter(self.coach_path)(obj)
        return coach_id


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin):
    list_display = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    search_fields = ("name",)
