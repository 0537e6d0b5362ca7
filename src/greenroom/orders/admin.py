from django.contrib import admin
from django.http import HttpRequest

from greenroom.core.admin import ReadOnlyAdmin
from greenroom.orders.models import Order, OrderLine


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
