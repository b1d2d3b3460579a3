"""Settings. Every variable read here is described in docs/deploy.md."""

from datetime import timedelta
from typing import Any

from opsconsole import upstreams
from opsconsole.environment import LIBPQ_ENGINE, Environment, kept_secret
from opsconsole.paths import PROJECT, data_dir
from opsconsole.processes import QUEUES

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
    "opsconsole.console",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "opsconsole.console.middleware.Language",
    "opsconsole.console.middleware.SessionClock",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

# For /callbacks/ instead of the above: no session, no language, no page (opsconsole/wsgi.py).
CALLBACK_MIDDLEWARE: list[str] = []

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
                "opsconsole.console.frame.frame",
            ],
        },
    },
]

# PostgreSQL is the truth. Connections persist: 1,853 requests/s against 202 without (docs/deploy.md).
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **environment.database("DATABASE_URL"),
        "CONN_MAX_AGE": environment.number("DATABASE_CONN_MAX_AGE", 600),
        "CONN_HEALTH_CHECKS": True,
    },
}
# Nobody waits long for a server that does not answer at all (opsconsole/database_watch.py looks after the rest).
if DATABASES["default"]["ENGINE"] == LIBPQ_ENGINE:
    DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", environment.number("DATABASE_CONNECT_TIMEOUT", 3))
    DATABASES["default"]["OPTIONS"].setdefault("tcp_user_timeout", 10_000)  # ms for a sent byte to be acknowledged
# The server keeps the plan of what a connection asks again and again (docs/benchmarks.md). A pooler that hands a
# connection to somebody else after each transaction may not know such statements.
if environment.flag("DATABASE_PREPARED", default=True) and DATABASES["default"]["ENGINE"] == LIBPQ_ENGINE:
    DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 5

# Redis may vanish at any time: whoever waits for it waits this long, not the library's 4.6 s.
REDIS_URL = environment.text("REDIS_URL")
REDIS_TIMEOUT = timedelta(seconds=1)
REDIS_PREFIX = environment.text("REDIS_PREFIX", "opsconsole:")

# Events go to RabbitMQ where one is named, else into a stream of Redis.
BROKER_URL = environment.text("BROKER_URL")
BROKER_PREFIX = environment.text("BROKER_PREFIX", "opsconsole.")
BROKER_LONGEST_QUEUE = 1_000_000  # events; RabbitMQ refuses to have the length of an existing queue changed

# Messages to people: who speaks what, and where staff are told.
CUSTOMER_LANGUAGE = "id"
STAFF_LANGUAGE = environment.text("STAFF_LANGUAGE", "id")
STAFF_CHANNEL = environment.text("STAFF_CHANNEL", "#operations")

JOB_TIMEOUT = timedelta(seconds=30)
RQ_QUEUES = {
    name: {
        "URL": REDIS_URL,
        "DEFAULT_TIMEOUT": int(JOB_TIMEOUT.total_seconds()),
        "SERIALIZER": "rq.serializers.JSONSerializer",
    }
    for name in QUEUES
}
RQ = {"COMMIT_MODE": "on_db_commit", "QUEUE_CLASS": "opsconsole.queues.DoorbellQueue"}
RQ_SHOW_ADMIN_LINK = False

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("id", "Bahasa Indonesia")]
LOCALE_PATHS = [PROJECT / "locale"]
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = ["opsconsole.console.locale_formats"]
TIME_ZONE = "Asia/Jakarta"  # what people see; rows are UTC

STATIC_URL = "/static/"
STATIC_ROOT = PROJECT / "staticfiles"
# File names with a hash of the content; off in tests, where nothing has been collected.
HASHED_FILES = "whitenoise.storage.CompressedManifestStaticFilesStorage"
PLAIN_FILES = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": HASHED_FILES if environment.flag("STATIC_MANIFEST", default=True) else PLAIN_FILES},
}

# Rights come with roles alone, asked in one statement.
AUTHENTICATION_BACKENDS = ["opsconsole.console.role_backend.RoleBackend"]
# Of people made by `manage.py person`; the demo's have a public one.
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
SESSION_IDLE = timedelta(minutes=30)
SESSION_ABSOLUTE = timedelta(hours=8)
SESSION_COOKIE_AGE = int(SESSION_ABSOLUTE.total_seconds())
SESSION_COOKIE_SAMESITE = "Lax"
SERVED_OVER_HTTPS = environment.flag("OPSCONSOLE_HTTPS")
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = SERVED_OVER_HTTPS
# Bound to this host and to HTTPS by their very name, where there is HTTPS.
SESSION_COOKIE_NAME = "__Host-session" if SERVED_OVER_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SERVED_OVER_HTTPS else "csrf"
CSRF_COOKIE_SECURE = SERVED_OVER_HTTPS
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if SERVED_OVER_HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SERVED_OVER_HTTPS else None
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "opsconsole.console.frame_views.csrf_failure"

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

# Neighbours: addresses, deadlines, breakers and credentials (opsconsole/upstreams.py).
UPSTREAMS = upstreams.UPSTREAMS
BREAKERS = upstreams.BREAKERS
GATEWAYS = upstreams.GATEWAYS
TPG = upstreams.TPG
PARTNERS = upstreams.PARTNERS
ALERTS = upstreams.ALERTS
PAGING = upstreams.PAGING
PUBLIC_URL = upstreams.PUBLIC_URL
SANDBOX_PORT = upstreams.sandbox_port()

# How the platform behaves.
DEMO = environment.flag("OPSCONSOLE_DEMO")  # public passwords and invented traffic
# Whose messages are refused: their secret is one that everybody can read, and others can reach us (ADR 0120).
IS_AT_HOME = DEMO or all(environment.is_loopback(each) for each in (PUBLIC_URL, *ALLOWED_HOSTS))
UNPROVED_SENDERS = {} if IS_AT_HOME else upstreams.published_secrets()
PAYMENT_WINDOW = timedelta(minutes=environment.number("PAYMENT_WINDOW_MINUTES", 15))
SECOND_PERSON_FROM = 5_000_000  # rupiah; a refund from here on waits for a second person
WRITE_OFF_LIMIT = 1_000_000  # rupiah; a difference above it is not written off, whoever approves it
CARRY_LIMIT = 5_000_000  # rupiah; a business day is not signed with more in open breaks than this
# Nobody watches a demo until midnight: there a business day may be signed once its last payment is in every book.
SIGN_EARLY = environment.flag("SIGN_EARLY", default=DEMO)
LOADS_DIR = environment.text("LOADS_DIR") or str(DATA_DIR / "loads")  # files for the books; web and workers share it
REPORTS_DIR = environment.text("REPORTS_DIR") or str(DATA_DIR / "reports")  # spreadsheets, likewise, for a day
# Whom reports are mailed to, and how large one may be (bytes) before a link to it is mailed instead.
REPORT_DOMAINS = environment.words("REPORT_DOMAINS", "example.com")
REPORT_ATTACH_LIMIT = environment.number("REPORT_ATTACH_LIMIT", 500_000)
SECOND_PERSON_ORDERS = 20  # an action on more orders than this that customers notice waits for a second person
RUN_MOST_ORDERS = 10_000  # no run touches more, whoever approves it
RUN_MOST_MONEY = 1_000_000_000  # rupiah; likewise
HOUR_MOST_ORDERS = 20_000  # what one person starts alone within an hour; beyond it a second person approves
HOUR_MOST_MONEY = 100_000_000  # rupiah; likewise
LOOK_AGAIN_AFTER = timedelta(minutes=environment.number("LOOK_AGAIN_MINUTES", 5))  # the second look at a run's rows
# A claim nobody works on goes back into the dispatch queue; a queue of so many is an alert.
DISPATCH_CLAIM_IDLE = timedelta(minutes=environment.number("DISPATCH_CLAIM_IDLE_MINUTES", 10))
# How long a booking waits where a bank may still take the money back (orders/queries/holds.py).
DISPATCH_HOLD = timedelta(minutes=environment.number("DISPATCH_HOLD_MINUTES", 5))
DISPATCH_ALERT_FROM = environment.number("DISPATCH_ALERT_FROM", 10)
# Monitoring systems: so many of their messages may wait to be judged; beyond it they are told to come again (503).
ALERTS_MOST_WAITING = environment.number("ALERTS_MOST_WAITING", 5000)
# What our own detectors raise an alert about (runbooks/services/detectors.py).
DETECT_NO_ORDERS = timedelta(minutes=environment.number("DETECT_NO_ORDERS_MINUTES", 5))
DETECT_NO_ORDERS_AFTER = environment.number(
    "DETECT_NO_ORDERS_AFTER", 20
)  # orders of the half hour before: then zero is odd
DETECT_COMPENSATIONS = environment.number("DETECT_COMPENSATIONS_PER_MINUTE", 10)
DETECT_LINK_SECONDS = environment.number("DETECT_LINK_P95_SECONDS", 3)
DETECT_LINK_FROM = environment.number(
    "DETECT_LINK_FROM", 20
)  # links of ten minutes; of fewer a percentile says nothing
DETECT_STUCK_FROM = environment.number("DETECT_STUCK_FROM", 25)  # fewer new stuck orders are no spike
DETECT_STUCK_TIMES = environment.number("DETECT_STUCK_TIMES", 3)  # times the median of the hour before
DETECT_UNEXPLAINED_FROM = environment.number("DETECT_UNEXPLAINED_FROM", 1_000_000)  # rupiah of breaks without a cause
DETECT_DOWN_AFTER = timedelta(seconds=environment.number("DETECT_DOWN_SECONDS", 60))  # a neighbour that nobody reaches
DETECT_QUIET = timedelta(seconds=environment.number("DETECT_QUIET_SECONDS", 60))  # all well for so long: it is over
# A worker that died is replaced after its lease (issue: within 15 s); it lasts longer than the longest call it covers.
LEASE = timedelta(seconds=12)
QUARANTINE = timedelta(seconds=15)  # orders.ladders.quarantine
LADDER_PACE = 1.0  # how the waits of orders.ladders are stretched; tests of crashes make them short
WORK_THREADS = environment.number("WORK_THREADS", 8)
TRUSTED_PROXIES = tuple(environment.words("TRUSTED_PROXIES"))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # RQ tells of every look at its registries, httpx of every answer; what fails is logged by our own code.
    "loggers": {"rq.worker": {"level": "WARNING"}, "httpx": {"level": "WARNING"}},
    "root": {"handlers": ["stderr"], "level": environment.text("LOG_LEVEL", "INFO")},
}

environment.refuse_mistakes()
