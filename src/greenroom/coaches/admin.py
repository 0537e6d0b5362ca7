from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from greenroom.coaches.models import Coach, Topic
from greenroom.coaches.types import CoachStatus
from greenroom.core import audit, clock
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
        for coach in queryset.exclude(status=status):
            before, coach.status = coach.status, status
            coach.save(update_fields=["status"])
            audit.record(
                actor=actor,
                action="coach.status",
                target=coach,
                now=clock.now(),
                before={"status": before},
                after={"status": status},
            )
        self.message_user(request, f"Now {status}.")


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin):
    list_display = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    search_fields = ("name",)
