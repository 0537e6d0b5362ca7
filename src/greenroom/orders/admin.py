from django.contrib import admin
from django.http import HttpRequest

from greenroom.core.admin import ReadOnlyAdmin
from greenroom.orders.models import Document, Order, OrderLine


class OrderLineInline(admin.TabularInline):
    model = OrderLine
    extra = 0
    can_delete = False
    fields = readonly_fields = ("position", "kind", "title", "price_minor")

    def has_add_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("ref", "coach", "email", "total_minor", "currency", "is_test", "created_at", "accepted_at")
    list_filter = ("is_test", "currency")
    list_select_related = ("coach",)
    search_fields = ("ref", "email", "name")
    ordering = ("-pk",)
    inlines = (OrderLineInline,)


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    list_display = ("label", "kind", "order", "buyer_email", "amount_minor", "currency", "is_test", "issued_at")
    list_filter = ("kind", "is_test", "currency")
    list_select_related = ("order",)
    search_fields = ("label", "ref", "buyer_email", "buyer_name", "order__ref")
    ordering = ("-pk",)
