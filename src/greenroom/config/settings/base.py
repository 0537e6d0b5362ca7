"""Django's settings, all of them, from `config.env`."""

import os
from pathlib import Path

from csp.constants import NONE, SELF

from greenroom.config.env import read_environment

ENVIRONMENT = read_environment(os.environ)
PACKAGE_DIR = Path(__file__).resolve().parents[2]

SANDBOX_ENABLED = ENVIRONMENT.is_demo
BASE_URL = ENVIRONMENT.base_url
DATA_DIR = ENVIRONMENT.data_dir
SECRET_KEY = ENVIRONMENT.secret_key
ENCRYPTION_KEYS = ENVIRONMENT.encryption_keys
CRON_SECRET = ENVIRONMENT.cron_secret
HOLD_LIMIT = ENVIRONMENT.hold_limit
ARCHIVED_ROOMS = ENVIRONMENT.archived_rooms
TAX = ENVIRONMENT.tax
COMMISSION_BASIS_POINTS = ENVIRONMENT.commission_basis_points
TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies
DISCORD = ENVIRONMENT.discord
MAIL_FROM = ENVIRONMENT.mail_from
DEBUG = False
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)

INSTALLED_APPS = [
    "greenroom.web",  # first: its templates restyle the admin's and the sign-in pages
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_vite",
    "csp",
    "allauth",
    "allauth.account",
    "greenroom.core",
    "greenroom.jobs",
    "greenroom.integrations.sandbox",
    "greenroom.integrations.mail.sandbox",
    "greenroom.integrations.stripe.sandbox",
    "greenroom.integrations.manual",
    "greenroom.integrations.discord.sandbox",
    "greenroom.notifications",
    "greenroom.accounts",
    "greenroom.coaches",
    "greenroom.availability",
    "greenroom.catalog",
    "greenroom.payments",
    "greenroom.entitlements",
    "greenroom.orders",
    "greenroom.bookings",
    "greenroom.rooms",
    "greenroom.api",
    "greenroom.config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "greenroom.web.accounts.middleware.SessionLimits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "greenroom.web.errors.OurErrorsMiddleware",
]

ROOT_URLCONF = "greenroom.config.urls"
WSGI_APPLICATION = "greenroom.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "greenroom.web.context.page",
            ],
        },
    },
]

DATABASES = {"default": ENVIRONMENT.database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

LANGUAGE_CODE = "en"
TIME_ZONE = ENVIRONMENT.time_zone
USE_TZ = True
USE_I18N = True

# What coaches upload: files of the data folder, readable by the server alone; no address serves them as they are.
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": DATA_DIR / "files",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FILE_LIMIT_BYTES = ENVIRONMENT.file_limit_mb * 1_000_000
FILE_UPLOAD_HANDLERS = [
    "greenroom.core.uploads.LimitedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

STATIC_URL = "/static/"
# Served from where the packages keep them, without a copying step: Vite's files carry a hash in their names.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600
WHITENOISE_IMMUTABLE_FILE_TEST = r"^.+/build/assets/.+[.-][0-9a-zA-Z_-]{8,12}\..+$"
_BUILD_DIR = PACKAGE_DIR / "web" / "static" / "build"
DJANGO_VITE = {
    "default": {"manifest_path": _BUILD_DIR / "manifest.json", "static_url_prefix": "build"},
}

IS_HTTPS = BASE_URL.startswith("https://")
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# A __Host- cookie cannot be set by a sibling domain or over plain http (RFC 6265bis, 4.1.3.2).
_COOKIE_PREFIX = "__Host-" if IS_HTTPS else ""
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}session"
HOLD_COOKIE_NAME = f"{_COOKIE_PREFIX}hold"
KEYS_COOKIE_NAME = f"{_COOKIE_PREFIX}keys"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}csrf"
CSRF_TRUSTED_ORIGINS = [BASE_URL]
DATA_UPLOAD_MAX_MEMORY_SIZE = 262_144
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        # Browsers apply this to the redirect after a POST too, and the sandbox's pages send people back to the base.
        "form-action": [SELF, BASE_URL],
        "img-src": [SELF],
    },
}

SESSION_ENGINE = "greenroom.accounts.sessions"  # encrypted: allauth keeps the expected code in the session
SESSION_COOKIE_AGE = 14 * 24 * 3600  # idle; the absolute limit is in SessionLimits
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "after_login"
ACCOUNT_ADAPTER = "greenroom.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]  # without password1 allauth drops the password field at sign-in
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # the mailed code itself verifies
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 600
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_FORMAT = {"numeric": True, "dashed": False, "length": 6}
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_CODE_FORMAT = ACCOUNT_LOGIN_BY_CODE_FORMAT
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_RATE_LIMITS = False  # ours are in accounts.limits: in the database, and they need no cache

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # httpx logs whole addresses at INFO; those of OAuth calls are not for the log.
        "httpx": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},  # a line for each call
        # A visitor's 404 is no news for the operator.
        "django.request": {"level": "ERROR"},
    },
}
