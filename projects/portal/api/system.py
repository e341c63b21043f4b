"""Ping, version, health and what the system is."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone
from redis import Redis
from rest_framework.request import Request
from rest_framework.response import Response

from projects.errors import NotFound
from projects.jobs.services import is_working
from projects.portal.api import shapes
from projects.web.api.views import ApiView, anyone, system_admin
from registry.proxies import base_url
from registry.storage.configured import storage

log = logging.getLogger(__name__)

API_VERSION: Final = "v2.0"
HARBOR_VERSION: Final = "v2.16.0"
"""The Harbor whose API this is: clients choose by it what they may ask for."""


class Ping(ApiView):
    """GET /ping"""

    access = anyone

    def get(self, request: Request) -> HttpResponse:
        """Says that somebody is here."""
        return HttpResponse("Pong", content_type="text/plain")


class Version(ApiView):
    """GET /api/version"""

    access = anyone

    def get(self, request: Request) -> Response:
        """The version of the API."""
        return Response({"version": API_VERSION})


class Health(ApiView):
    """GET /health"""

    access = anyone

    def get(self, request: Request) -> Response:
        """The state of each part; always 200, as in Harbor: the body tells."""
        parts: dict[str, Callable[[], object]] = {
            "core": bool,
            "database": _ask_database,
            "registry": _ask_storage,
            "jobservice": _ask_worker,
        }
        if settings.CELERY_BROKER_URL.startswith("redis"):
            parts["redis"] = _ask_redis
        components = [_component(name, ask) for name, ask in parts.items()]
        healthy = all(component["status"] == "healthy" for component in components)
        return Response({"status": "healthy" if healthy else "unhealthy", "components": components})


def _component(name: str, ask: Callable[[], object]) -> shapes.Shape:
    try:
        ask()
    except Exception as error:
        # Whatever it is, the answer is the same; the why is for the operator, not for anybody who asks.
        log.warning("%s is not healthy: %r", name, error)
        return {"name": name, "status": "unhealthy", "error": f"{name} does not answer"}
    return {"name": name, "status": "healthy"}


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_storage() -> None:
    storage().stat("00/00/health")


def _ask_worker() -> None:
    if not is_working():
        raise TimeoutError("no worker has done of late what the scheduler told it to")


def _ask_redis() -> None:
    Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=2, socket_connect_timeout=2).ping()


class SystemInfo(ApiView):
    """GET /systeminfo"""

    access = anyone

    def get(self, request: Request) -> Response:
        """What a client must know before it logs in, and the rest for who has."""
        info: shapes.Shape = {
            "auth_mode": "db_auth",
            "primary_auth_mode": False,
            "self_registration": False,
            "banner_message": "",
            "oidc_provider_name": "",
        }
        if not self.actor.is_anonymous:
            url = base_url(request._request)
            info |= {
                "current_time": shapes.time(timezone.now()),
                "external_url": url,
                "registry_url": url.partition("://")[2],
                "harbor_version": HARBOR_VERSION,
                "has_ca_root": _certificate() is not None,
                "project_creation_restriction": "everyone",
                "registry_storage_provider_name": settings.REGISTRY_STORAGE.partition(":")[0],
                "read_only": False,
                "notification_enable": False,
            }
        return Response(info)


class Volumes(ApiView):
    """GET /systeminfo/volumes"""

    access = system_admin

    def get(self, request: Request) -> Response:
        """Bytes of the disk that the data is on."""
        usage = shutil.disk_usage(settings.HARBORWEB["DATA"])
        return Response({"storage": [{"total": usage.total, "free": usage.free}]})


class Certificate(ApiView):
    """GET /systeminfo/getcert"""

    access = anyone

    def get(self, request: Request) -> HttpResponse:
        """The certificate of the CA that signed ours. Raises NotFound if there is none to trust."""
        path = _certificate()
        if path is None:
            raise NotFound("this server has no CA certificate of its own")
        return HttpResponse(
            path.read_bytes(),
            content_type="application/octet-stream",
            headers={"Content-Disposition": "attachment; filename=ca.crt"},
        )


def _certificate() -> Path | None:
    path: Path | None = settings.HARBORWEB["TLS_CA"]
    return path if path is not None and path.is_file() else None
