"""The WSGI application that Granian (or gunicorn) serves: portal, API and registry in one."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harborweb.settings")
portal = get_wsgi_application()

from registry.wsgi import ShortPath  # noqa: E402  # needs the applications

application = ShortPath(portal)
