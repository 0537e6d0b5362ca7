from http import HTTPStatus

import pytest
from django.test import Client

from greenroom.catalog.models import Offer


@pytest.mark.parametrize("path", ["/", "/coaches/", "/maya/", "/book/maya/", "/find-booking/", "/api/docs"])
def test_monitors_may_ask_for_the_head_of_a_page(client: Client, offer: Offer, path: str) -> None:
    assert offer.coach.slug == "maya"

    answer = client.head(path)

    assert (answer.status_code, answer.content) == (HTTPStatus.OK, b"")
