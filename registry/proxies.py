"""What a request says of its client when it came through a proxy; X-Forwarded-* count only from TRUSTED_PROXIES."""

from functools import lru_cache
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from registry.errors import RegistryError


@lru_cache(maxsize=1024)
def _trusted(address: str, networks: tuple[str, ...]) -> bool:
    try:
        peer = ip_address(address)
    except ValueError:
        return False  # a socket's path, or nonsense
    return any(peer in ip_network(network, strict=False) for network in networks)


def is_trusted(address: str) -> bool:
    """True if `address` is a proxy that the operator trusts (settings.TRUSTED_PROXIES)."""
    return _trusted(address, tuple(settings.TRUSTED_PROXIES))


def _forwarded(request: HttpRequest, header: str) -> str:
    """The value of X-Forwarded-<header> that the outermost proxy wrote, or "" if we must not believe it."""
    value = request.META.get(f"HTTP_X_FORWARDED_{header}", "")
    if not value or not is_trusted(request.META.get("REMOTE_ADDR", "")):
        return ""
    return str(value.partition(",")[0].strip())


def base_url(request: HttpRequest) -> str:
    """ "<scheme>://<host>" as the client wrote it. Raises UNSUPPORTED (400) for a Host that is not one of ours."""
    scheme = _forwarded(request, "PROTO").lower()
    if scheme not in ("http", "https"):
        scheme = request.scheme or "http"
    return f"{scheme}://{_host(request, scheme)}"


def _host(request: HttpRequest, scheme: str) -> str:
    host = _forwarded(request, "HOST")
    if not host:
        try:
            return request.get_host()
        except DisallowedHost as error:
            raise RegistryError(
                "UNSUPPORTED", "this registry does not answer to that Host", status=400
            ) from error
    domain, port = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        raise RegistryError("UNSUPPORTED", "this registry does not answer to that Host", status=400)
    forwarded_port = _forwarded(request, "PORT")
    default = "443" if scheme == "https" else "80"
    if not port and forwarded_port.isascii() and forwarded_port.isdigit() and forwarded_port != default:
        return f"{host}:{forwarded_port}"
    return host


def client_address(request: HttpRequest) -> str:
    """The address of the client itself: the last one in X-Forwarded-For that no trusted proxy has."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    while hops and is_trusted(address):
        hop = hops.pop()
        try:
            address = str(ip_address(hop))
        except ValueError:
            break
    return address
