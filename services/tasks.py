"""Celery tasks of the services app: catalogues and balances of suppliers, and the sweep that rings for both."""

from __future__ import annotations

from celery import shared_task

from services import balances, tallying
from services.models import CatalogueSync, SupplierBalance
from services.syncing import fetching
from unlockshop.kernel import work


@shared_task(name=fetching.TASK)
def fetch_catalogue(sync_id: int) -> None:
    """Fetch one supplier's catalogue."""
    fetching.fetch(sync_id)


@shared_task(name="services.fetch_catalogues")
def fetch_catalogues() -> None:
    """Have every active supplier's catalogue fetched; beat runs it once a day. Nothing is published by it."""
    fetching.ask_all(by="shop, daily")


@shared_task(name="services.ask_balance")
def ask_balance(balance_id: int) -> None:
    """Ask one supplier for our credit there."""
    balances.ask(balance_id)


@shared_task(name="services.sweep")
def sweep() -> None:
    """Ring again for every fetch and every balance that is due; beat runs it every few seconds."""
    balances.watch_active()
    work.ring_again(fetch_catalogue, work.due(CatalogueSync))
    work.ring_again(ask_balance, work.due(SupplierBalance))


@shared_task(name="services.forget_old_counts")
def forget_old_counts() -> None:
    """Delete counts of supplier calls that nobody looks at any more; beat runs it every few hours."""
    tallying.forget_old()
