"""The addresses of the studio. The list is added to the site's own, so that its first word is a reserved one."""

from django.urls import URLPattern, URLResolver, path

from greenroom.web.studio.clients import views as clients
from greenroom.web.studio.explain import views as explain
from greenroom.web.studio.offers import downloads
from greenroom.web.studio.offers import views as offers
from greenroom.web.studio.orders import views as orders
from greenroom.web.studio.payments import views as payments
from greenroom.web.studio.profile import views as profile
from greenroom.web.studio.rates import views as rates
from greenroom.web.studio.rooms import views as rooms
from greenroom.web.studio.schedule import views as schedule
from greenroom.web.studio.sessions import manual, proposing
from greenroom.web.studio.sessions import views as sessions
from greenroom.web.studio.today import views as today

urlpatterns: list[URLPattern | URLResolver] = [
    path("studio/", today.today, name="studio"),
    path("studio/sessions/", sessions.session_list, name="studio_sessions"),
    path("studio/sessions/new/", manual.book, name="studio_session_new"),
    path("studio/sessions/<str:ref>/", sessions.session_page, name="studio_session"),
    path("studio/sessions/<str:ref>/start/", sessions.start, name="studio_session_start"),
    path("studio/sessions/<str:ref>/complete/", sessions.complete, name="studio_session_complete"),
    path("studio/sessions/<str:ref>/no-show/", sessions.no_show, name="studio_session_no_show"),
    path("studio/sessions/<str:ref>/propose/", proposing.propose, name="studio_session_propose"),
    path(
        "studio/sessions/<str:ref>/propose/nearest/", proposing.propose_nearest, name="studio_session_propose_nearest"
    ),
    path("studio/sessions/<str:ref>/propose/withdraw/", proposing.withdraw, name="studio_session_withdraw"),
    path("studio/sessions/<str:ref>/call-off/", sessions.call_off, name="studio_session_call_off"),
    path("studio/sessions/<str:ref>/cancel/", sessions.cancel, name="studio_session_cancel"),
    path("studio/schedule/", schedule.schedule_page, name="studio_schedule"),
    path("studio/schedule/<int:pk>/", schedule.schedule_page, name="studio_schedule"),
    path("studio/schedule/new/", schedule.add_schedule, name="studio_schedule_new"),
    path("studio/schedule/<int:pk>/rename/", schedule.rename_schedule, name="studio_schedule_rename"),
    path("studio/schedule/<int:pk>/default/", schedule.make_default, name="studio_schedule_default"),
    path("studio/schedule/<int:pk>/remove/", schedule.remove_schedule, name="studio_schedule_remove"),
    path("studio/schedule/week/", schedule.save_week, name="studio_schedule_week"),
    path("studio/schedule/preview/", schedule.preview_week, name="studio_schedule_preview"),
    path("studio/schedule/undo/", schedule.undo_week, name="studio_schedule_undo"),
    path("studio/schedule/days/", schedule.add_override, name="studio_override_add"),
    path("studio/schedule/days/<int:pk>/remove/", schedule.remove_override, name="studio_override_remove"),
    path("studio/schedule/stays/", schedule.add_stay, name="studio_stay_add"),
    path("studio/schedule/stays/<int:pk>/remove/", schedule.remove_stay, name="studio_stay_remove"),
    path("studio/schedule/blackouts/", schedule.add_blackout, name="studio_blackout_add"),
    path("studio/schedule/blackouts/<int:pk>/remove/", schedule.remove_blackout, name="studio_blackout_remove"),
    path("studio/explain/", explain.explain_page, name="studio_explain"),
    path("studio/clients/", clients.client_list, name="studio_clients"),
    path("studio/clients/<str:ref>/", clients.client_page, name="studio_client"),
    path("studio/orders/", orders.order_list, name="studio_orders"),
    path("studio/orders/export/", orders.export, name="studio_orders_export"),
    path("studio/payments/", payments.by_hand, name="studio_payments"),
    path("studio/payments/refunds/<str:ref>/", payments.refund, name="studio_payment_refund"),
    path("studio/payments/<str:ref>/", payments.payment, name="studio_payment"),
    path("studio/payments/<str:ref>/proofs/<str:proof_ref>/", payments.proof, name="studio_payment_proof"),
    path("studio/offers/", offers.offer_list, name="studio_offers"),
    path("studio/offers/new/", offers.new_offer, name="studio_offer_new"),
    path("studio/offers/new/download/", downloads.new_download, name="studio_download_new"),
    path("studio/offers/<int:pk>/files/", downloads.add_file, name="studio_offer_file_add"),
    path("studio/offers/<int:pk>/files/<str:ref>/remove/", downloads.remove_file, name="studio_offer_file_remove"),
    path("studio/offers/<int:pk>/", offers.edit_offer, name="studio_offer"),
    path("studio/offers/<int:pk>/publish/", offers.publish, name="studio_offer_publish"),
    path("studio/offers/<int:pk>/unpublish/", offers.unpublish, name="studio_offer_unpublish"),
    path("studio/offers/<int:pk>/archive/", offers.archive, name="studio_offer_archive"),
    path("studio/offers/<int:pk>/restore/", offers.restore, name="studio_offer_restore"),
    path("studio/offers/<int:pk>/rooms/", rooms.offer_rooms, name="studio_offer_rooms"),
    path("studio/rooms/", rooms.rooms_page, name="studio_rooms"),
    path("studio/rates/", rates.rates_page, name="studio_rates"),
    path("studio/profile/", profile.profile, name="studio_profile"),
]
