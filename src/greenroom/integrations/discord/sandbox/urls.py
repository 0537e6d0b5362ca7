"""The simulated Discord's addresses, below wherever this is included."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.sandbox.errors import ApiError
from greenroom.integrations.discord.sandbox.gate import Handler, View, endpoint, speak
from greenroom.integrations.discord.sandbox.views import api, consent, oauth_api

_PREFIX = "api/v10/"


@csrf_exempt
def _no_such_route(_request: HttpRequest, **_ids: str) -> HttpResponse:
    def refuse() -> HttpResponse:
        raise ApiError(HTTPStatus.NOT_FOUND, DiscordCode.GENERAL, "404: Not Found")

    return speak(refuse)


def _api(route: str, *, allows_people: bool = False, **handlers: Handler) -> tuple[str, View]:
    """Turn `guilds/{guild_id}` into a Django route and its view; ids stay text until the gate has read them."""
    template = _PREFIX + route.replace("{", "<str:").replace("}", ">")
    return template, endpoint(route, allows_people=allows_people, **handlers)


_CHANNEL = "channels/{channel_id}"
_GUILD = "guilds/{guild_id}"
_MEMBER = "guilds/{guild_id}/members/{user_id}"

urlpatterns = [
    path("oauth2/authorize", consent.authorize, name="discord_sandbox_authorize"),
    path(f"{_PREFIX}oauth2/token", oauth_api.token),
    path(f"{_PREFIX}oauth2/token/revoke", oauth_api.revoke),
    path(*_api("users/@me", allows_people=True, GET=api.current_user)),
    path(*_api("users/@me/channels", POST=api.open_dm)),
    path(*_api(_CHANNEL, GET=api.get_channel, PATCH=api.edit_channel, DELETE=api.delete_channel)),
    path(*_api(f"{_CHANNEL}/messages", POST=api.send_message)),
    path(*_api(_GUILD, GET=api.get_guild)),
    path(*_api(f"{_GUILD}/channels", GET=api.list_channels, POST=api.create_channel)),
    path(*_api(f"{_GUILD}/roles", GET=api.list_roles, POST=api.create_role)),
    path(*_api(f"{_GUILD}/roles/member-counts", GET=api.count_role_members)),
    path(*_api(f"{_GUILD}/roles/{{role_id}}", GET=api.get_role, DELETE=api.delete_role)),
    path(*_api(f"{_GUILD}/audit-logs", GET=api.list_audit_log)),
    path(*_api(f"{_GUILD}/voice-states/{{user_id}}", GET=api.get_voice_state)),
    path(*_api(_MEMBER, GET=api.get_member, PUT=api.add_member, PATCH=api.edit_member)),
    path(*_api(f"{_MEMBER}/roles/{{role_id}}", PUT=api.add_member_role, DELETE=api.remove_member_role)),
    path("<path:rest>", _no_such_route),
]
