"""The pages. A coach's own address comes last: every word in front of it is reserved."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from greenroom.web.public import booking, buying, by_hand, views
from greenroom.web.student import library, receipts, session
from greenroom.web.student import views as student
from greenroom.web.studio.requests import views as requests

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("coaches/", views.directory, name="directory"),
    path("zones/", views.zones, name="zones"),
    path("theme/", views.theme, name="theme"),
    path("book/<slug:coach>/", booking.book, name="book"),
    path("booking/<str:ref>/details/", booking.details, name="booking_details"),
    path("booking/<str:ref>/extend/", booking.extend, name="booking_extend"),
    path("booking/<str:ref>/release/", booking.release, name="booking_release"),
    path("booking/<str:ref>/discord/", booking.connect_discord, name="booking_discord"),
    path(
        "booking/confirm/<str:ref>/", RedirectView.as_view(pattern_name="confirmed", query_string=True, permanent=True)
    ),
    path("booking/confirmed/<str:ref>/", booking.confirmed, name="confirmed"),
    path("booking/cancel/<str:ref>/", student.cancel_by_ref, name="booking_cancel_page"),
    path("checkout/<int:number>/", buying.offer_by_number),
    path("checkout/<str:ref>/", buying.checkout, name="checkout"),
    path("checkout/<str:ref>/by-hand/", by_hand.pay_by_hand, name="pay_by_hand"),
    path("checkout/<str:ref>/by-hand/cancel/", by_hand.cancel_by_hand, name="cancel_by_hand"),
    path("manage/<str:token>/", student.manage, name="manage"),
    path("manage/<str:token>/cancel/", student.cancel, name="manage_cancel"),
    path("manage/<str:token>/reschedule/", student.reschedule, name="manage_reschedule"),
    path("manage/<str:token>/ask/", student.ask, name="manage_ask"),
    path("manage/<str:token>/session.ics", student.calendar, name="manage_calendar"),
    path("requests/<str:token>/", requests.answer, name="request"),
    path("session/<str:ref>/", session.session_page, name="session"),
    path("sessions/", session.sessions, name="sessions"),
    path("library/", library.library, name="library"),
    path("purchase/<str:key>/", library.purchase, name="purchase"),
    path("purchase/<str:key>/files/<str:ref>/", library.file, name="purchase_file"),
    path("account/purchases/", receipts.purchases, name="purchases"),
    path("receipts/<str:key>/", receipts.receipt, name="receipt"),
    path("receipts/<str:key>/pdf/", receipts.receipt_pdf, name="receipt_pdf"),
    path("coaching/coach/<int:number>/", views.coach_by_number, {"to": "coach"}),
    path("coaching/coach/<int:number>/book/", views.coach_by_number, {"to": "book"}),
    path("find-booking/", student.lost_link, name="lost_link"),
]

coach_patterns: list[URLPattern | URLResolver] = []
if not settings.SANDBOX_ENABLED:
    # Whoever looks for the sandbox in production finds nothing, and never a coach who chose that word.
    coach_patterns += [path("sandbox/", views.nothing), path("sandbox/<path:rest>", views.nothing)]
coach_patterns += [
    path("<slug:coach>/", views.coach_page, name="coach"),
    path("<slug:coach>/<slug:offer>/", buying.offer_page, name="offer"),
]
