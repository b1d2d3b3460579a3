"""Settings. Every variable read here is described in docs/deploy.md."""

from datetime import timedelta
from typing import Any

from opsconsole.environment import Environment, Upstream, kept_secret
from opsconsole.paths import PROJECT, data_dir

environment = Environment()
DATA_DIR = data_dir()

DEBUG = environment.flag("OPSCONSOLE_DEBUG")
SECRET_KEY = environment.text("SECRET_KEY") or kept_secret(DATA_DIR / "secret-key")
CHAIN_KEY = (environment.text("OPSCONSOLE_CHAIN_KEY") or kept_secret(DATA_DIR / "chain-key")).encode()
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "django_rq",
    "orders",
    "reconciliation",
    "runbooks",
    "opsconsole",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "opsconsole.urls"
WSGI_APPLICATION = "opsconsole.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PROJECT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# PostgreSQL is the truth. Connections persist: 1,853 requests/s against 202 without (docs/deploy.md).
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **environment.database("DATABASE_URL"),
        "CONN_MAX_AGE": environment.number("DATABASE_CONN_MAX_AGE", 60),
        "CONN_HEALTH_CHECKS": True,
    },
}

# Redis may vanish at any time: whoever waits for it waits this long, not the library's 4.6 s.
REDIS_URL = environment.text("REDIS_URL")
REDIS_TIMEOUT = timedelta(seconds=1)

JOB_TIMEOUT = timedelta(seconds=30)
QUEUES = ("act", "diagnose", "notify", "bulk")
RQ_QUEUES = {
    name: {
        "URL": REDIS_URL,
        "DEFAULT_TIMEOUT": int(JOB_TIMEOUT.total_seconds()),
        "SERIALIZER": "rq.serializers.JSONSerializer",
    }
    for name in QUEUES
}
RQ = {"COMMIT_MODE": "on_db_commit"}
RQ_SHOW_ADMIN_LINK = False

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("id", "Bahasa Indonesia")]
LOCALE_PATHS = [PROJECT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Jakarta"  # what people see; rows are UTC

STATIC_URL = "/static/"
STATIC_ROOT = PROJECT / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = int(timedelta(minutes=30).total_seconds())
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_SAMESITE = "Lax"
SERVED_OVER_HTTPS = environment.flag("OPSCONSOLE_HTTPS")
SESSION_COOKIE_SECURE = SERVED_OVER_HTTPS
CSRF_COOKIE_SECURE = SERVED_OVER_HTTPS
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if SERVED_OVER_HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SERVED_OVER_HTTPS else None
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
    },
}

# Neighbours. The order is the port offset in the sandbox; 0 is its own control page.
SANDBOX_PORT = environment.number("SANDBOX_PORT", 8100)
SANDBOX_URL = environment.text("SANDBOX_URL", f"http://127.0.0.1:{SANDBOX_PORT}")
NEIGHBOURS = (
    "midtrans",
    "xendit",
    "nicepay",
    "tpg",
    "rent",
    "delivery",
    "shuttle",
    "ho",
    "session_manager",
    "promo",
    "config",
    "notification",
)
UPSTREAMS: dict[str, Upstream] = {
    name: {
        "url": environment.text(f"{name.upper()}_URL", f"http://127.0.0.1:{SANDBOX_PORT + offset}"),
        "timeout": 5.0,
        "tries": 3,
    }
    for offset, name in enumerate(NEIGHBOURS, start=1)
}

# Credentials of the gateways; the defaults are the sandbox's own and open nothing else.
GATEWAYS: dict[str, dict[str, str]] = {
    "midtrans": {
        "server_key": environment.text("MIDTRANS_SERVER_KEY", "sandbox-midtrans-server-key"),
        "merchant_id": environment.text("MIDTRANS_MERCHANT_ID", "G000000001"),
    },
    "xendit": {
        "secret_key": environment.text("XENDIT_SECRET_KEY", "sandbox-xendit-secret-key"),
        "callback_token": environment.text("XENDIT_CALLBACK_TOKEN", "sandbox-xendit-callback-token"),
    },
    "nicepay": {
        "imid": environment.text("NICEPAY_IMID", "SANDBOX001"),
        "merchant_key": environment.text("NICEPAY_MERCHANT_KEY", "sandbox-nicepay-merchant-key"),
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": environment.text("LOG_LEVEL", "INFO")},
}

environment.refuse_mistakes()
