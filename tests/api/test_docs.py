import pytest
from django.test import Client

from greenroom.api.docs import calls


def test_docs_list_every_call_with_what_it_takes() -> None:
    listed = {(call.method, call.path) for call in calls()}
    booking = next(call for call in calls() if call.method == "POST" and call.path == "/api/v1/bookings")

    assert ("GET", "/api/v1/coaches/{coach}/offers/{offer}/slots") in listed
    assert [field.name for field in booking.body if field.is_required] == [
        "coach",
        "offer",
        "starts_at",
        "name",
        "email",
    ]


@pytest.mark.django_db
def test_docs_are_a_page_of_the_site() -> None:
    answer = Client().get("/api/docs")

    assert answer.status_code == 200
    assert b"/api/v1/bookings" in answer.content
