"""The errors that domain code and adapters speak in.

``Refused`` is a no that can be said to a person. ``Retryable`` promises that the call had no effect.
``OutcomeUnknown`` says that nobody can tell yet; it is never retried blindly and never refunded blindly.
"""

from __future__ import annotations


class ShopError(Exception):
    """Base of every error this project raises on purpose."""


class Refused(ShopError):
    """The other side, or a rule of ours, said no. ``code`` is stable; the text may be shown to staff."""

    def __init__(self, message: str, *, code: str = "refused") -> None:
        super().__init__(message)
        self.code = code


class TransitionRefused(Refused):
    """A state change that the transition table does not allow."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="transition_refused")


class Retryable(ShopError):
    """The call provably had no effect and may be made again later."""


class OutcomeUnknown(ShopError):
    """The call may or may not have had effect. Ask first; do not repeat it."""
