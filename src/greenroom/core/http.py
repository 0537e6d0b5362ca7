"""What a request says about its sender, and how much of it may be believed."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the caller's address; X-Forwarded-For counts only as far as configured proxies vouch for it.

    Walks the header from the right and returns the first address that is not one of GREENROOM_TRUSTED_PROXIES:
    everything left of it was written by strangers. One machine has one spelling, so that limits cannot be dodged.
    """
    sender: str = request.META.get("REMOTE_ADDR", "")
    address = _parsed(sender)
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    while _is_trusted(address) and forwarded:
        address = _parsed(forwarded.pop())
    return str(address or _parsed(sender) or sender)


def _is_trusted(address: IPv4Address | IPv6Address | None) -> bool:
    return address is not None and any(address in ip_network(proxy) for proxy in settings.TRUSTED_PROXIES)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A server that listens on [::] sees IPv4 peers as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).
    return getattr(address, "ipv4_mapped", None) or address
