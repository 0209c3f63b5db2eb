"""Decide which addresses may be fetched, before git sees them: an address is where a stranger points this machine."""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from assessor.analysis.limits import SourceError
from assessor.config import PUBLIC_FORGES

__all__ = ["Gate", "Route"]

REDIRECTS = 3
SECONDS = 20.0
PATH = re.compile(r"/[\w.~%+-]+(/[\w.~%+-]+)+/?")
EMBEDDING = tuple(map(ipaddress.ip_network, ("::/96", "64:ff9b::/96")))
"""Networks whose last four bytes are an IPv4 address: the compatible form of old, and NAT64."""

RESERVED = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "64:ff9b:1::/48")))
"""Networks for use within a site that older Pythons take for public."""

EXAMPLE = "Write the address of a public repository, such as https://github.com/owner/name."

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Route:
    """Name an address that was let through, the host and the one IP address that may be connected to for it."""

    url: str
    host: str
    pinned: str | None
    protocol: str = "https"


Redirect = Callable[[Route], str | None]


def resolve_host(host: str) -> Sequence[str]:
    """Return every IP address of a host. Raises SourceError where it has none."""
    try:
        return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)))
    except OSError:
        raise SourceError(
            f"The host {host} has no address.", "Check its spelling, and that this machine is online."
        ) from None


def is_public(text: str) -> bool:
    """Tell whether an IP address belongs to the public network; mapped, tunnelled and translated ones are unwrapped."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if any(address in network for network in EMBEDDING):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        address = inner or address
    return address.is_global and not address.is_multicast and not any(address in network for network in RESERVED)


class Gate:
    """Let https addresses of known hosts through, resolved once and pinned; redirects go through it anew."""

    def __init__(
        self,
        hosts: Sequence[str] = PUBLIC_FORGES,
        *,
        resolve: Resolve = resolve_host,
        redirect: Redirect | None = None,
    ) -> None:
        self._hosts = frozenset(hosts)
        self._resolve = resolve
        self._redirect = redirect or redirect_of

    def admit(self, url: str) -> Route:
        """Return how an address may be fetched. Raises SourceError."""
        route = self._checked(url)
        for _ in range(REDIRECTS + 1):
            target = self._redirect(route)
            if target is None:
                return route
            route = self._checked(target)
        raise SourceError("The address leads from one redirect to the next.", "Write the address it ends at.")

    def _checked(self, url: str) -> Route:
        try:
            parts: SplitResult = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            raise SourceError("This is no address.", EXAMPLE) from None
        if parts.scheme != "https":
            raise SourceError(f"Only https addresses are fetched, not {parts.scheme or 'this'}.", EXAMPLE)
        if parts.username is not None or parts.password is not None:
            raise SourceError("The address carries a name or password.", "Leave it out; public repositories need none.")
        if port not in (None, 443):
            raise SourceError(f"The address names port {port}; only 443 is fetched.", EXAMPLE)
        if host not in self._hosts:
            raise SourceError(
                f"Repositories of {host or 'this host'} are not fetched here.",
                f"Allowed are {', '.join(sorted(self._hosts))}; the operator can add hosts with ASSESSOR_GIT_HOSTS.",
            )
        if parts.query or parts.fragment or not PATH.fullmatch(parts.path):
            raise SourceError("The address is not that of a repository alone.", EXAMPLE)
        found = self._resolve(host)
        private = [address for address in found if not is_public(address)]
        if private or not found:
            raise SourceError(f"{host} leads into a private network.", "Only hosts of the public network are fetched.")
        return Route(f"https://{host}{parts.path.rstrip('/')}", host, found[0])


class _Pinned(http.client.HTTPSConnection):
    """Connect to the one address that was checked, whatever the name leads to by now."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(host, timeout=SECONDS, context=ssl.create_default_context())
        self._address = address

    def connect(self) -> None:
        """Connect and verify the certificate for the host's name."""
        plain = socket.create_connection((self._address, 443), SECONDS)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


def redirect_of(route: Route) -> str | None:
    """Return where the address of a repository redirects to, without git's own suffix, or None. Raises SourceError."""
    assert route.pinned is not None
    suffix = "/info/refs?service=git-upload-pack"
    connection = _Pinned(route.host, route.pinned)
    try:
        connection.request("GET", urlsplit(route.url).path + suffix, headers={"User-Agent": "git/2 assessor"})
        answer = connection.getresponse()
        if answer.status not in (301, 302, 307, 308):
            return None
        target = urljoin(route.url + suffix, answer.headers.get("Location", ""))
        return target.removesuffix(suffix)
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(
            f"{route.host} could not be reached ({type(error).__name__}).", "Try again in a while."
        ) from None
    finally:
        connection.close()
