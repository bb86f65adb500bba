"""Staff pages of suppliers' catalogues: what was fetched, what is different, and what to make of it."""

from services.syncing.admin import fetches, listed  # noqa: F401 - registers the pages
