from django.contrib import admin
from django.utils.safestring import SafeString

from greenroom.catalog.models import IntakeQuestion, Offer, OfferDuration, Rate, RefundTierRow
from greenroom.coaches.admin import CalendarAdmin
from greenroom.core.admin import badge


class OfferDurationInline(admin.TabularInline):
    model = OfferDuration
    extra = 0
    min_num = 1


class IntakeQuestionInline(admin.TabularInline):
    model = IntakeQuestion
    extra = 0


class RefundTierInline(admin.TabularInline):
    model = RefundTierRow
    extra = 0


@admin.register(Rate)
class RateAdmin(CalendarAdmin):
    list_display = ("coach", "topic", "per_hour_minor", "currency")
    list_filter = ("topic",)
    list_select_related = ("coach", "topic")
    search_fields = ("coach__display_name",)
    autocomplete_fields = ("coach", "topic")


@admin.register(Offer)
class OfferAdmin(CalendarAdmin):
    list_display = ("title", "coach", "badge", "venue", "discord_requirement", "currency")
    list_filter = ("status", "venue", "discord_requirement")
    list_select_related = ("coach",)
    search_fields = ("title", "coach__display_name")
    inlines = (OfferDurationInline, IntakeQuestionInline, RefundTierInline)

    @admin.display(description="status", ordering="status")
    def badge(self, offer: Offer) -> SafeString:
        return badge(offer.status)
