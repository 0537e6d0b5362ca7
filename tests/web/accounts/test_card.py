from greenroom.accounts.queries import DiscordCard
from greenroom.accounts.types import CardState
from greenroom.web.accounts.card import card_context


def test_card_context_of_a_connected_account() -> None:
    card = DiscordCard(CardState.CONNECTED, "robin")

    context = card_context(card, connect_url="/connect/", switch_url="/connect/", requirement="before_payment")

    assert context == {
        "state": "connected",
        "name": "robin",
        "problem": "",
        "code_url": "",
        "requirement": "before_payment",
        "connect_url": "/connect/",
        "switch_url": "/connect/",
        "join_server_url": "",
    }


def test_card_context_of_a_waiting_code_leads_to_its_page() -> None:
    card = DiscordCard(CardState.MISSING, problem="We mailed a code.", code_ref="abc")

    context = card_context(card, connect_url="/connect/")

    assert (context["state"], context["problem"]) == ("missing", "We mailed a code.")
    assert context["code_url"] == "/discord/code/abc/"
