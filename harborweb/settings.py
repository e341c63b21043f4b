"""All settings of harborweb, read from the environment once, typed, and loud on nonsense.

Every variable is named HARBORWEB_<NAME>; HARBORWEB_<NAME>_FILE names a file that holds the value, for secrets.
The README has the table of them.
"""

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from harborweb import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent

# --- where things are -------------------------------------------------------------------------------------------------
# What we write is the owner's and perhaps its group's (nginx): the database holds the key that signs tokens.
os.umask(os.umask(0o077) | 0o027)
DATA_DIR = env.directory("DATA", "data")
BIND = env.text("BIND", "127.0.0.1:8080")
HOSTNAME = env.host("HOSTNAME", "localhost")
DEBUG = env.flag("DEBUG")


def _secret_key() -> str:
    """The operator's key, or one that is made once and kept beside the data (0600)."""
    if given := env.text("SECRET_KEY", ""):
        return str(given)
    path = DATA_DIR / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(key := secrets.token_urlsafe(48))
    return key


SECRET_KEY = _secret_key()

# --- who may reach us -------------------------------------------------------------------------------------------------
# A registry answers under whatever name its clients use; realm and Location follow the request's Host.
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["*"])
# Addresses (CIDR) whose X-Forwarded-* headers we believe.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES", ["127.0.0.0/8", "::1/128"])
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")

TLS_MODE = env.choice("TLS", "", "auto")
TLS_CERT = env.text("TLS_CERT", str(DATA_DIR / "tls/server.crt") if TLS_MODE else "")
TLS_KEY = env.text("TLS_KEY", str(DATA_DIR / "tls/server.key") if TLS_MODE else "")
TLS_CA = env.text("TLS_CA", str(DATA_DIR / "tls/ca.crt") if TLS_MODE else "")
if bool(TLS_CERT) != bool(TLS_KEY):
    raise ImproperlyConfigured("HARBORWEB_TLS_CERT and HARBORWEB_TLS_KEY go together: set both or neither")

THREADS = env.number("THREADS", 256, least=16, because="with less, slow clients could hold all of them")

HARBORWEB: dict[str, Any] = {
    "DATA": DATA_DIR,
    "BIND": BIND,
    "HOSTNAME": HOSTNAME,
    "TLS": TLS_MODE,
    "TLS_CERT": Path(TLS_CERT) if TLS_CERT else None,
    "TLS_KEY": Path(TLS_KEY) if TLS_KEY else None,
    "TLS_CA": Path(TLS_CA) if TLS_CA else None,
    "ADMIN_PASSWORD": env.text("ADMIN_PASSWORD", ""),
    "WORKERS": env.number("WORKERS", os.cpu_count() or 1, least=1),
    "THREADS": THREADS,
    "HSTS": env.number("HSTS_SECONDS", 365 * 24 * 3600),
    "SILENCE": env.number("SILENCE_SECONDS", 900, least=1),
}

# --- the applications, ground floor last ------------------------------------------------------------------------------
INSTALLED_APPS = [
    "harborweb",
    "projects.portal",
    "projects.jobs",
    "projects.accounts",
    "projects.web",
    "projects",
    "registry",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "rest_framework",
]

MIDDLEWARE = [
    # /v2/ leaves here: sessions, CSRF, messages and the rest are the portal's (docs/adr/0002).
    "registry.middleware.RegistryMiddleware",
    "harborweb.middleware.ProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "harborweb.middleware.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "projects.accounts.middleware.SessionRenewalMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "projects.web.middleware.ActorMiddleware",
    "harborweb.middleware.RefusedBodyMiddleware",
]

ROOT_URLCONF = "harborweb.urls"
WSGI_APPLICATION = "harborweb.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "loaders": [
                ("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"])
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "projects.web.context.shell",
            ],
        },
    }
]

# --- database ---------------------------------------------------------------------------------------------------------
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASE_POOL = env.number("DATABASE_POOL", 8, least=1)
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'harborweb.sqlite3'}")}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["ENGINE"] = "registry.sqlite"
    _database["OPTIONS"] = {
        # The content store's rule R2: a commit is on the disk before the client hears of it.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-4000",
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
    }
    _database["TEST"] = {"NAME": ":memory:"}  # Django's default, which pytest-django knows of its engine only
else:
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "pool": {"min_size": 1, "max_size": DATABASE_POOL, "timeout": 30},
        # A lock that is not had in five seconds is an answer of 503 with Retry-After, not a hung client.
        "options": "-c lock_timeout=5000 -c synchronous_commit=on",
    }

# --- people and sessions ----------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["projects.accounts.hashers.Argon2"]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "projects.accounts.rules.PasswordRule"}]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/harbor/projects"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "sid"
SESSION_COOKIE_AGE = env.number("SESSION_MINUTES", 60, least=1) * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = bool(TLS_CERT) or env.flag("SECURE_COOKIES")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "projects.web.errors.csrf_failure"
CSRF_HEADER_NAME = "HTTP_X_HARBOR_CSRF_TOKEN"  # where Harbor's clients put it
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- static files -----------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # served from the checkout: no collectstatic step between clone and run
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- REST API ---------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "projects.web.api.authentication.BasicAuthentication",
        "projects.web.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "projects.web.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
}

# --- background work --------------------------------------------------------------------------------------------------
_redis_url = env.url("REDIS_URL", "", "redis", "rediss", "unix")
_broker_dir = DATA_DIR / "broker"
CELERY_BROKER_URL = _redis_url or "filesystem://localhost"
if not _redis_url:
    # Messages in a directory: the laptop needs no broker.
    CELERY_BROKER_TRANSPORT = "harborweb.broker:Transport"
    for _name in ("messages", "control", "processed"):
        (_broker_dir / _name).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker_dir / "messages"),
        "data_folder_out": str(_broker_dir / "messages"),
        "control_folder": str(_broker_dir / "control"),
        "processed_folder": str(_broker_dir / "processed"),
    }
# One format of log line for all processes: ours.
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 3600
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "jobs-beat": {
        "task": "projects.jobs.tasks.beat",
        "schedule": 30,
        "options": {"expires": 30},  # what nobody did in time tells nothing later
    },
    "registry-collect-garbage": {
        "task": "registry.tasks.collect_garbage",
        "schedule": env.number("GC_SECONDS", 60, least=1),
    },
    "registry-collect-garbage-thoroughly": {
        "task": "registry.tasks.collect_garbage_thoroughly",
        "schedule": 3600,
    },
}

# --- registry ---------------------------------------------------------------------------------------------------------
# Who answers the registry's questions (registry/ports.py), by dotted path.
REGISTRY_AUTHENTICATOR = "projects.portal.wiring.Authenticator"
REGISTRY_ACCESS_POLICY = "projects.portal.wiring.AccessPolicy"
# filesystem:///path or, later, s3://bucket
REGISTRY_STORAGE = env.url("STORAGE", f"filesystem://{DATA_DIR / 'storage'}", "filesystem")
if urlsplit(REGISTRY_STORAGE).netloc:
    raise ImproperlyConfigured(
        "HARBORWEB_STORAGE must be filesystem:// and an absolute path, filesystem:///srv/blobs"
    )
# G of the content store: how long an existence promise holds at most, and how long the unreachable is kept.
REGISTRY_KEEP = timedelta(seconds=env.number("KEEP_SECONDS", 24 * 3600))
# R: how long a file outlives its blob, for reads under way.
REGISTRY_READ_GRACE = timedelta(seconds=env.number("READ_GRACE_SECONDS", 3600))
REGISTRY_UPLOAD_TTL = timedelta(seconds=env.number("UPLOAD_TTL_SECONDS", 24 * 3600))
REGISTRY_DELETE_UNTAGGED = env.flag("DELETE_UNTAGGED")
REGISTRY_TOKEN_TTL = timedelta(minutes=env.number("TOKEN_MINUTES", 30, least=1))
REGISTRY_TOKEN_SERVICE = "harbor-registry"
REGISTRY_TOKEN_ISSUER = "harbor-token-issuer"
# Threads of a process that may wait for clients who read or send a body; forms have their own (harborweb/wsgi.py).
REGISTRY_SLOW_BODIES = THREADS * 3 // 4
# Threads of a process that work at a time: further ones would wait for a connection of the database.
REGISTRY_TURNS = DATABASE_POOL
REGISTRY_ACCEL = env.choice("ACCEL", "", "nginx")

# --- logs -------------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)-7s %(name)s %(message)s"},
        "bare": {"format": "%(message)s"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        "access": {"class": "logging.StreamHandler", "formatter": "bare"},
    },
    "loggers": {
        # Django would warn of every 404 and of every form that was filled in wrongly.
        "django.request": {"level": "ERROR"},
        # Anybody can send a Host that is none, and each would be three tracebacks.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # Celery would tell twice of every task, some of which run every minute: a task says itself what it did.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        # Many lines a record, each with its own time.
        "registry.access": {"handlers": ["access"], "propagate": False},
    },
    "root": {"handlers": ["stderr"], "level": env.choice("LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR")},
}
