"""All settings, from the environment (``django-environ``). ``.env.example`` explains every variable.

Sections: paths, mode, security, apps, database, cache and queue, language, mail, payments, suppliers, logging.
"""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

# Paths
BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").exists() and not env.bool("IGNORE_DOTENV", default=False):
    env.read_env(str(BASE_DIR / ".env"))

# Mode. DEMO swaps the outside world at the transport edge and must be asked for; it never goes with live keys.
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
SHOP_NAME = env.str("SHOP_NAME", default="Unlockshop")
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
IS_HTTPS = BASE_URL.startswith("https://")

# Security
SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
FIELD_KEYS: list[str] = env.list("FIELD_KEYS")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS: list[str] = [BASE_URL]
# Addresses of reverse proxies whose CLIENT_ADDRESS_HEADER is believed; without them the peer's address counts.
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", default=[])
CLIENT_ADDRESS_HEADER = env.str("CLIENT_ADDRESS_HEADER", default="X-Forwarded-For")
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else "csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_FAILURE_VIEW = "unlockshop.storefront.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
# Django's limit leaves uploaded files out. Only the form for a claim's video takes more (its view says how much).
MAX_BODY_BYTES = 2 * 1024 * 1024
# Mails that come in bring attachments, which are read past and not kept. SendGrid takes 30 MB.
MAX_INBOUND_MAIL_BYTES = 64 * 1024 * 1024
PASSWORD_RESET_TIMEOUT = 3600
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTH_USER_MODEL = "accounts.User"

# Apps
INSTALLED_APPS = [
    "unlockshop.kernel",
    "accounts",
    "services",
    "orders",
    "payments",
    "refunds",
    "unlockshop.storefront",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
]
MIDDLEWARE = [
    # What gives every answer its headers, kept pages too, and the checks of host and form token.
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "unlockshop.storefront.middleware.PolicyMiddleware",
    "unlockshop.storefront.languages.LanguageMiddleware",
    "unlockshop.storefront.middleware.SharedPagesMiddleware",
    "unlockshop.storefront.middleware.StaffPagesMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "unlockshop.storefront.middleware.RefusedFormMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "unlockshop.storefront.middleware.KeptPagesMiddleware",
    # What finds out about the visitor: a kept page does not wait for it.
    "unlockshop.storefront.middleware.ClientAddressMiddleware",
    "unlockshop.storefront.middleware.BodyLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "unlockshop.storefront.middleware.StaffSignInLimitMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "unlockshop.urls"
WSGI_APPLICATION = "unlockshop.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "unlockshop.storefront.context.shop",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS.insert(0, "django.forms")
STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Where a form's answer may lead the browser: besides this shop only the payment page.
PAYMENT_PAGE_ORIGINS: list[str] = env.list(
    "PAYMENT_PAGE_ORIGINS",
    default=["https://checkout.stripe.com", "https://www.paypal.com", "https://www.sandbox.paypal.com"],
)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF, *PAYMENT_PAGE_ORIGINS],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: [] for name in ("camera", "microphone", "geolocation", "payment", "usb", "interest-cohort")
}

# Database
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'var' / 'shop.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a transaction takes the write lock when it begins, so two of them queue instead of failing.
    # FULL: a commit that was acknowledged survives a power cut.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        "options": "-c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
    }
USE_TZ = True
TIME_ZONE = "UTC"

# Cache and queue. Rate limits live in the cache; money and orders never do.
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CACHES = {"default": env.cache_url("CACHE_URL", default=REDIS_URL.replace("redis://", "rediscache://", 1))}
CACHES["default"].setdefault("KEY_PREFIX", "shop")
# Each web process keeps pages that all visitors share, and asks this often whether the catalogue is another one.
SHARED_PAGES_RECHECK_SECONDS = env.float("SHARED_PAGES_RECHECK_SECONDS", default=1.0)
# Only for tests: make every page that is sent again anew as well, and stop if it would be another one.
PROVE_KEPT_PAGES = False
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_ACKS_ON_FAILURE_OR_TIMEOUT = True
CELERY_TASK_TIME_LIMIT = 180
CELERY_TASK_SOFT_TIME_LIMIT = 150
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
# Looking at videos and rehearsing refund rules is slow and heavy: a queue, and in production a worker, of its own.
CELERY_TASK_ROUTES = {
    "refunds.*_video": {"queue": "media"},
    "refunds.*_videos": {"queue": "media"},
    "refunds.try_out_rules": {"queue": "media"},
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_timeout": 30,
    "socket_keepalive": True,
    "health_check_interval": 25,
}
# Publishing is a hint made after the commit; a dead broker must not keep a customer waiting.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=5.0)
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "reconcile": {"task": "payments.reconcile", "schedule": 3600.0, "options": {"expires": 1800}},
    "check-ledger": {"task": "payments.check_ledger", "schedule": crontab(hour=3, minute=30)},
    "fold-turnaround": {"task": "orders.fold_turnaround", "schedule": 60.0, "options": {"expires": 60}},
    "end-overdue": {"task": "refunds.end_overdue", "schedule": 60.0, "options": {"expires": 60}},
    "forget-old-counts": {"task": "services.forget_old_counts", "schedule": 6 * 3600.0},
    "forget-old-drafts": {"task": "orders.forget_old_drafts", "schedule": 6 * 3600.0},
    "fetch-catalogues": {"task": "services.fetch_catalogues", "schedule": crontab(hour=4, minute=10)},
    "sweep-suppliers": {
        "task": "services.sweep",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": max(2.0, SWEEP_SECONDS)},
    },
    "sweep-orders": {
        "task": "orders.sweep",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": max(2.0, SWEEP_SECONDS)},
    },
    "sweep-measuring": {
        "task": "orders.sweep_measuring",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": max(2.0, SWEEP_SECONDS)},
    },
    "follow-claims": {
        "task": "refunds.follow_claims",
        "schedule": max(5.0, SWEEP_SECONDS),
        "options": {"expires": max(5.0, SWEEP_SECONDS)},
    },
    "sweep-videos": {
        "task": "refunds.sweep_videos",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": max(2.0, SWEEP_SECONDS)},
    },
    "keep-videos": {"task": "refunds.keep_videos", "schedule": 3600.0, "options": {"expires": 1800}},
    "sweep-payments": {
        "task": "payments.sweep",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": max(2.0, SWEEP_SECONDS)},
    },
    "sweep-refunds": {
        "task": "refunds.sweep",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": max(2.0, SWEEP_SECONDS)},
    },
}
CELERY_BEAT_SCHEDULE_FILENAME = env.str("BEAT_SCHEDULE_FILE", default=str(BASE_DIR / "var" / "celerybeat-schedule"))

# Language and money
LANGUAGE_CODE = "en"
# Each by its own name. The address says which one a page is in (unlockshop/storefront/languages.py).
LANGUAGES = [("en", "English"), ("es", "Español"), ("ar", "العربية")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
DEFAULT_CURRENCY = env.str("DEFAULT_CURRENCY", default="EUR")
# What visitors can choose from, in this order. Each needs prices of its own in the catalogue; nothing is converted.
CURRENCIES: list[str] = env.list("CURRENCIES", default=["EUR", "USD", "GBP", "JPY", "KWD"])
# From one address, and of one e-mail address; the customers of a proxy that is not trusted share one.
PURCHASES_PER_HOUR = env.int("PURCHASES_PER_HOUR", default=20)
# Orders that cost nothing: from one address, from it for one device, and for one device whoever asks. The last is the
# larger one, so that a stranger does not easily use up what a device's owner may have.
FREE_CHECKS_PER_DAY = env.int("FREE_CHECKS_PER_DAY", default=5)
FREE_CHECKS_PER_DEVICE = env.int("FREE_CHECKS_PER_DEVICE", default=2)
FREE_CHECKS_PER_DEVICE_BY_ALL = env.int("FREE_CHECKS_PER_DEVICE_BY_ALL", default=20)

# Mail
MAIL_TRANSPORT = env.str("MAIL_TRANSPORT", default="orders.sendgrid_transport.SendGridTransport")
MAIL_FROM = env.str("MAIL_FROM", default="orders@unlockshop.example")
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", default="help@unlockshop.example")
# Where staff are told of what needs them soon, such as used-up credit at a supplier. Empty: only on the staff pages.
STAFF_EMAIL = env.str("STAFF_EMAIL", default="")
SENDGRID_API_KEY = env.str("SENDGRID_API_KEY", default="")
# The public keys that SendGrid signs its events with; several while they change. Without one all are refused.
SENDGRID_WEBHOOK_KEYS: list[str] = env.list("SENDGRID_WEBHOOK_KEYS", default=[])
# The domain whose mail SendGrid's Inbound Parse hands on; without one, replies to our mails go where those come from.
INBOUND_MAIL_DOMAIN = env.str("INBOUND_MAIL_DOMAIN", default="")
# The last part of the address that it posts to; several while it changes. Without one, no mail is taken.
SENDGRID_INBOUND_SECRETS: list[str] = env.list("SENDGRID_INBOUND_SECRETS", default=[])
SENDGRID_HOST = env.str("SENDGRID_HOST", default="https://api.sendgrid.com")
# Seconds before the provider is asked about a mail whose sending has no known outcome.
MAIL_SETTLE_SECONDS = env.int("MAIL_SETTLE_SECONDS", default=900)

# Payments
PAYMENT_PROVIDERS = {"stripe": "payments.providers.stripe.StripeProvider"}
STRIPE_API_KEY = env.str("STRIPE_API_KEY", default="")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="")
# PayPal is offered once its client id is set. Its keys do not show whether they move real money: PAYPAL_LIVE says it.
PAYPAL_CLIENT_ID = env.str("PAYPAL_CLIENT_ID", default="")
PAYPAL_SECRET = env.str("PAYPAL_SECRET", default="")
PAYPAL_WEBHOOK_ID = env.str("PAYPAL_WEBHOOK_ID", default="")
PAYPAL_LIVE = env.bool("PAYPAL_LIVE", default=False)
_paypal_base = "https://api-m.paypal.com" if PAYPAL_LIVE else "https://api-m.sandbox.paypal.com"
PAYPAL_API_BASE = env.str("PAYPAL_API_BASE", default=_paypal_base).rstrip("/")
if PAYPAL_CLIENT_ID:
    PAYMENT_PROVIDERS["paypal"] = "payments.providers.paypal.PayPalProvider"
    if not PAYPAL_SECRET or not PAYPAL_WEBHOOK_ID:
        raise ImproperlyConfigured("PAYPAL_CLIENT_ID is set: PAYPAL_SECRET and PAYPAL_WEBHOOK_ID are needed as well")
if not DEMO and _paypal_base != PAYPAL_API_BASE:
    raise ImproperlyConfigured(f"PAYPAL_API_BASE must be {_paypal_base}, as PAYPAL_LIVE is {PAYPAL_LIVE}")
# Who sells, as receipts name it; the lines of the address are parted by "|".
SELLER_NAME = env.str("SELLER_NAME", default="")
SELLER_ADDRESS = env.str("SELLER_ADDRESS", default="")
SELLER_TAX_ID = env.str("SELLER_TAX_ID", default="")
STATEMENT_DESCRIPTOR = env.str("STATEMENT_DESCRIPTOR", default="UNLOCKSHOP")
# Called with a terms version; the texts of its refund rules for dispute evidence, as (clause id, title, text).
TERMS_TEXT = "refunds.terms.text_of"
# Called with the name of refund rules; whether they have it found out first why a device was not found.
NOT_FOUND_TERMS = "refunds.not_found.is_looked_into_first"
_stripe_live = STRIPE_API_KEY.startswith(("sk_live_", "rk_live_"))
PAYMENTS_LIVE = _stripe_live or PAYPAL_LIVE
if DEMO and (PAYMENTS_LIVE or PAYPAL_API_BASE.endswith("//api-m.paypal.com")):
    raise ImproperlyConfigured("DEMO refuses to start with a live Stripe key or with live PayPal")
if STRIPE_API_KEY and PAYPAL_CLIENT_ID and _stripe_live != PAYPAL_LIVE:
    raise ImproperlyConfigured("Stripe and PayPal must both be live or both be for tests")
if DEMO and not DEBUG and not env.bool("DEMO_WITHOUT_DEBUG", default=False):
    raise ImproperlyConfigured("DEMO with DEBUG=False needs DEMO_WITHOUT_DEBUG=True as well")
if (STRIPE_API_BASE or SENDGRID_HOST.startswith("http://")) and not DEMO:
    raise ImproperlyConfigured("demo payment or mail addresses are set, but DEMO is not")

# Cancelling. The published refund profile that purchases are made under; each keeps the one of its checkout.
REFUND_PROFILE = env.str("REFUND_PROFILE", default="default")
# What one member of staff may grant alone for an order, by currency; above it a second one confirms. One that is not
# named has no limit.
REFUND_SECOND_PERSON_ABOVE: dict[str, Decimal] = {
    currency: Decimal(amount)
    for currency, amount in env.dict(
        "REFUND_SECOND_PERSON_ABOVE",
        default={"EUR": "200", "USD": "200", "GBP": "200", "JPY": "30000", "KWD": "60"},
    ).items()
}
# Past claims and orders that a change of the rules is tried on before it is published, the newest first.
REHEARSAL_MOST_DECISIONS = env.int("REHEARSAL_MOST_DECISIONS", default=200_000)
DEMO_HOLD_SECONDS: int | None = env.int("DEMO_HOLD_SECONDS", default=None)
if DEMO_HOLD_SECONDS is not None and not DEMO:
    raise ImproperlyConfigured("DEMO_HOLD_SECONDS shortens what customers are promised, and DEMO is not set")

# Claim videos. The folder is shared by the web processes and the worker of the queue "media", and by nobody else.
EVIDENCE_ROOT = env.str("EVIDENCE_ROOT", default=str(BASE_DIR / "var" / "evidence"))
VIDEO_MAX_BYTES = env.int("VIDEO_MAX_MB", default=200) * 1024 * 1024
VIDEO_MAX_SECONDS = env.int("VIDEO_MAX_SECONDS", default=300)
VIDEOS_PER_CLAIM = env.int("VIDEOS_PER_CLAIM", default=5)
# An order's videos together, whichever of its claims they came for.
VIDEOS_PER_ORDER = env.int("VIDEOS_PER_ORDER", default=10)
VIDEO_BYTES_PER_ORDER = env.int("VIDEO_MB_PER_ORDER", default=1000) * 1024 * 1024
VIDEOS_PER_DAY = env.int("VIDEOS_PER_DAY", default=10)
# Days after its claim was closed.
VIDEO_KEEP_DAYS = env.int("VIDEO_KEEP_DAYS", default=30)
# Where staff fetch videos from: another host name of this shop, so that no upload shares an origin with its pages.
EVIDENCE_URL = env.str("EVIDENCE_URL", default="").rstrip("/")

# Suppliers
SUPPLIER_ADAPTERS = {
    "dhru": "services.suppliers.dhru.DhruClient",
    "unlockbase": "services.suppliers.unlockbase.UnlockBaseClient",
    "rest_check": "services.suppliers.rest_check.RestCheckClient",
}
# Total seconds for one answer; the lease on an attempt is longer, so that only a lost worker outlives it.
SUPPLIER_DEADLINE_SECONDS = env.float("SUPPLIER_DEADLINE_SECONDS", default=45.0)
SUPPLIER_LEASE_SECONDS = env.int("SUPPLIER_LEASE_SECONDS", default=90)
# A supplier's books are never taken for settled sooner than this, whatever was measured.
_SETTLE_AT_LEAST = max(600, math.ceil(3 * SUPPLIER_DEADLINE_SECONDS))
SUPPLIER_SETTLE_AT_LEAST = env.int("SUPPLIER_SETTLE_AT_LEAST", default=20 if DEMO else _SETTLE_AT_LEAST)
if SUPPLIER_SETTLE_AT_LEAST < _SETTLE_AT_LEAST and not DEMO:
    raise ImproperlyConfigured("a SUPPLIER_SETTLE_AT_LEAST below ten minutes or three deadlines is for the demo only")
# Requests to suppliers that one worker process may have under way; each supplier has a limit of its own as well.
SUPPLIER_CALLS_AT_ONCE = env.int("SUPPLIER_CALLS_AT_ONCE", default=32)
SUPPLIER_PAUSE_SECONDS = env.int("SUPPLIER_PAUSE_SECONDS", default=120)
SUPPLIERS_ALLOW_LOOPBACK = env.bool("SUPPLIERS_ALLOW_LOOPBACK", default=DEMO)
if SUPPLIERS_ALLOW_LOOPBACK and not DEMO:
    raise ImproperlyConfigured("SUPPLIERS_ALLOW_LOOPBACK is for the demo only")
if SUPPLIER_LEASE_SECONDS < SUPPLIER_DEADLINE_SECONDS + 20:
    raise ImproperlyConfigured("SUPPLIER_LEASE_SECONDS must exceed SUPPLIER_DEADLINE_SECONDS by 20 seconds at least")

# Logging
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "unlockshop.kernel.logs.LineFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        # Scanners ask for hosts that are not ours all day; they get a 400 and no traceback.
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
        # Their lower levels print request bodies and keys.
        "stripe": {"level": "WARNING"},
        "paypalrestsdk": {"level": "WARNING"},
        "python_http_client": {"level": "WARNING"},
        "urllib3": {"level": "WARNING"},
        # They list the letters of every evidence file.
        "fontTools": {"level": "WARNING"},
        "fpdf": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
# Only staff sign in so far.
LOGIN_REDIRECT_URL = "admin:index"
# The staff pages' frame and landing page; dotted names are called with the request.
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "unlockshop.admin_navigation.site_title",
    "SITE_HEADER": "unlockshop.admin_navigation.site_title",
    "SITE_SYMBOL": "lock_open",
    "SITE_URL": "/",
    "ENVIRONMENT": "unlockshop.admin_navigation.environment",
    "DASHBOARD_CALLBACK": "unlockshop.admin_queues.dashboard",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "unlockshop.admin_navigation.favicon"}],
    "STYLES": ["unlockshop.admin_navigation.stylesheet"],
    "SIDEBAR": {"navigation": "unlockshop.admin_navigation.sidebar"},
    "COLORS": {
        "primary": {
            "50": "#f0faf6", "100": "#e3f1ec", "200": "#c2e3d8", "300": "#93cdbb", "400": "#5ecfb0", "500": "#2f9479",
            "600": "#0a6350", "700": "#085543", "800": "#074738", "900": "#063b2f", "950": "#042a22",
        },
    },
}  # fmt: skip
