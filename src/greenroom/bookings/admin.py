from django.contrib import admin
from django.utils.safestring import SafeString

from greenroom.bookings.models import Booking, CoachingSession
from greenroom.core.admin import ReadOnlyAdmin, badge


@admin.register(CoachingSession)
class CoachingSessionAdmin(ReadOnlyAdmin):
    list_display = ("starts_at", "coach", "offer", "badge", "seats_taken", "capacity", "venue", "sequence")
    list_filter = ("status", "venue")
    list_select_related = ("coach", "offer")
    search_fields = ("ref", "coach__display_name", "offer__title")
    date_hierarchy = "starts_at"
    ordering = ("-starts_at",)

    @admin.display(description="status", ordering="status")
    def badge(self, session: CoachingSession) -> SafeString:
        return badge(session.status)


@admin.register(Booking)
class BookingAdmin(ReadOnlyAdmin):
    list_display = ("ref", "contact_name", "contact_email", "coach", "badge", "starts_at", "created_at")
    list_filter = ("status",)
    list_select_related = ("coach", "session")
    search_fields = ("ref", "contact_email", "contact_name", "order__ref")
    exclude = ("holder",)
    ordering = ("-pk",)

    @admin.display(description="status", ordering="status")
    def badge(self, booking: Booking) -> SafeString:
        return badge(booking.status)

    @admin.display(description="starts at", ordering="session__starts_at")
    def starts_at(self, booking: Booking) -> str:
        return f"{booking.session.starts_at:%Y-%m-%d %H:%M} UTC"
