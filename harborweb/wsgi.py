"""The WSGI application that Granian (or gunicorn) serves: portal, API and registry in one."""

import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harborweb.settings")
portal = get_wsgi_application()

from django.conf import settings  # noqa: E402

from harborweb.bodies import BodiesFirst, Leftovers, Waiting  # noqa: E402
from harborweb.silence import Watch  # noqa: E402
from registry.turns import Taken  # noqa: E402
from registry.wsgi import Environ, ShortPath  # noqa: E402  # needs the applications

_largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
# Those who must not wait for each other have their own slots; with REGISTRY_SLOW_BODIES a sixteenth of all is left.
_forms = Waiting(slots=settings.HARBORWEB["THREADS"] // 8)
_leftovers = Waiting(slots=settings.HARBORWEB["THREADS"] // 16)
_portal = BodiesFirst(portal, waiting=_forms, largest=_largest)
_answer = Leftovers(ShortPath(_portal), waiting=_leftovers)
Watch(settings.HARBORWEB["SILENCE"], overdue=_forms.overdue, largest=_largest).start()


def application(environ: Environ, start_response: Any) -> Iterable[bytes]:
    """HTTP/1.0 need not name a host, and health checks of load balancers do not: they asked for the one we have."""
    if not environ.get("HTTP_HOST") and environ["SERVER_PROTOCOL"] in ("HTTP/1", "HTTP/1.0"):
        environ["HTTP_HOST"] = settings.HARBORWEB["HOSTNAME"]
    with Taken():
        return _answer(environ, start_response)
