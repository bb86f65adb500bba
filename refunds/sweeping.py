"""One row at a time, for the sweep: a row that fails is logged and stands in nobody's way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from unlockshop.kernel.errors import ShopError

logger = logging.getLogger(__name__)


def each(ids: Iterable[int], act: Callable[[int], object]) -> int:
    """Act on every id; returns how many changed something. What fails is tried again by the next sweep."""
    done, name = 0, getattr(getattr(act, "func", act), "__name__", "act")
    for row_id in ids:
        try:
            done += bool(act(row_id))
        except ShopError as error:
            logger.warning("%s of %s was refused: %s", name, row_id, error)
        except Exception:
            logger.exception("%s of %s failed", name, row_id)
    return done
