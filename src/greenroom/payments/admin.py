from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from greenroom.core import clock
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.admin import ReadOnlyAdmin
from greenroom.payments import services
from greenroom.payments.errors import NotRefundableError
from greenroom.payments.models import Dispute, GatewayEvent, LedgerEntry, PaymentAttempt, RefundRequest


@admin.register(PaymentAttempt)
class PaymentAttemptAdmin(ReadOnlyAdmin):
    list_display = ("order_ref", "seq", "state", "amount_minor", "currency", "mismatch", "problem", "changed_at")
    list_filter = ("state", "gateway", "is_test")
    search_fields = ("order_ref", "gateway_ref", "payment_ref")
    ordering = ("-changed_at",)


@admin.register(GatewayEvent)
class GatewayEventAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "type", "state", "received_at", "processed_at", "last_error")
    list_filter = ("state", "type")
    search_fields = ("event_id", "object_ref", "payment_ref")
    ordering = ("-received_at",)


@admin.register(RefundRequest)
class RefundRequestAdmin(ReadOnlyAdmin):
    list_display = ("attempt", "amount_minor", "currency", "cause", "state", "try_no", "last_error", "changed_at")
    list_filter = ("state", "cause")
    list_select_related = ("attempt",)
    search_fields = ("refund_ref", "attempt__order_ref")
    ordering = ("-changed_at",)
    actions = ("retry_selected",)

    @admin.action(description="Try the selected failed refunds again", permissions=["view"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[RefundRequest]) -> None:
        actor = Actor(ActorKind.ADMIN, user_id=request.user.pk)
        retried = 0
        for refund in queryset:
            try:
                services.retry_refund(refund_id=refund.pk, actor=actor, now=clock.now())
                retried += 1
            except NotRefundableError:
                self.message_user(request, f"{refund} cannot be tried again.", "warning")
        self.message_user(request, f"{retried} refunds are on their way again.")


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_display = ("attempt", "status", "amount_minor", "currency", "withdrawn_minor", "reinstated_minor", "closed_at")
    list_filter = ("status", "is_inquiry")
    list_select_related = ("attempt",)
    search_fields = ("dispute_ref", "attempt__order_ref")
    ordering = ("-changed_at",)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "journal", "account", "amount_minor", "currency", "kind", "source_kind", "source_id")
    list_filter = ("kind", "account", "currency")
    ordering = ("-pk",)
