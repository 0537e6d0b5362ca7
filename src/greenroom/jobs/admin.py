from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from greenroom.core import clock
from greenroom.core.admin import ReadOnlyAdmin, badge
from greenroom.jobs import services
from greenroom.jobs.models import Job, Run


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("key", "kind", "badge", "due_at", "attempts", "last_error")
    list_filter = ("state", "lane", "kind")
    search_fields = ("key", "last_error")
    ordering = ("-due_at",)
    actions = ("retry_selected",)

    @admin.display(description="state", ordering="state")
    def badge(self, job: Job) -> SafeString:
        return badge(job.state)

    @admin.action(description="Try the selected failed or expired jobs again", permissions=["view"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        now = clock.now()
        count = sum(services.retry(job, now=now) for job in queryset)
        self.message_user(request, f"{count} jobs are due again.")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = (
        "source",
        "started_at",
        "finished_at",
        "visits",
        "done_count",
        "retried_count",
        "failed_count",
    )
    list_filter = ("source",)
    ordering = ("-started_at",)
