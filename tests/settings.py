"""Settings for the tests: the shop's own, with throw-away keys and no real network.

``TEST_DATABASE_URL`` and ``TEST_REDIS_URL`` choose the services; without them SQLite and process memory serve.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ.update(
    IGNORE_DOTENV="1",
    SECRET_KEY="tests-only-secret-key-tests-only-secret-key-tests-only",
    FIELD_KEYS="MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    DEBUG="False",
    DEMO="True",
    DEMO_HOLD_SECONDS="0",
    DEMO_WITHOUT_DEBUG="True",
    STRIPE_API_KEY="sk_test_tests",
    STRIPE_WEBHOOK_SECRET="whsec_tests",
    STRIPE_API_BASE="http://127.0.0.1:9",
    PAYPAL_CLIENT_ID="paypal-tests",
    PAYPAL_SECRET="paypal-secret-tests",
    PAYPAL_WEBHOOK_ID="WHTESTS",
    PAYPAL_API_BASE="http://127.0.0.1:9",
    SENDGRID_API_KEY="SG.tests",
    SENDGRID_HOST="http://127.0.0.1:9",
    BASE_URL="http://testserver",
    ALLOWED_HOSTS="testserver,127.0.0.1,localhost",
)

from unlockshop.settings import *  # noqa: F403
from unlockshop.settings import env

_url = os.environ.get("TEST_DATABASE_URL", "")
if _url:
    DATABASES = {"default": {**env.db_url_config(_url), "TEST": {"NAME": "test_unlockshop"}}}
else:
    # A file of its own for every process: threads share it, parallel runs do not.
    _folder = tempfile.TemporaryDirectory(prefix="unlockshop-tests-")
    _file = str(Path(_folder.name) / "shop.sqlite3")
    DATABASES = {
        "default": {
            "ENGINE": "tests.sqlite_backend",
            "NAME": _file,
            "TEST": {"NAME": _file},
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=OFF;",
            },
        }
    }

_redis = os.environ.get("TEST_REDIS_URL", "")
if _redis:
    # Tests empty the cache: every parallel process has a Redis database of its own, from the given number up.
    _base, _number = _redis.rsplit("/", 1)
    _redis = f"{_base}/{int(_number) + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:])}"
CELERY_BROKER_URL = _redis or "memory://"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": _redis, "KEY_PREFIX": "tests"}
    if _redis
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
# A transaction that ends with its test is seen at once.
SHARED_PAGES_RECHECK_SECONDS = 0.0
PROVE_KEPT_PAGES = True
_evidence = tempfile.TemporaryDirectory(prefix="unlockshop-evidence-")
EVIDENCE_ROOT = _evidence.name
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
