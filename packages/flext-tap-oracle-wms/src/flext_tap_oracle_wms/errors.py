"""Every error the tap raises, grouped by what its reader must do. No behaviour lives here.

A message names the setting or the place, what was found there and the remedy; it never holds a
secret or a traceback. What is not a `TapError` is a defect of the tap.
"""

from __future__ import annotations


class TapError(Exception):
    """Base of all; its text is the whole message for the person at the terminal."""


class SettingsError(TapError):
    """The configuration must be corrected."""


class AccessError(TapError):
    """The WMS refused the user: credentials or permissions must be corrected."""


class AuthenticationError(AccessError):
    """The WMS does not know the user or password; to go on trying could lock the user."""


class UnreachableError(TapError):
    """No answer after all retries, or a host or certificate that no retry mends."""


class NotFoundError(TapError):
    """The WMS answered 404, which on a list may only mean that it is empty."""


class ServerError(TapError):
    """The WMS answered with an error status, after all retries where one helps."""


class ProtocolError(TapError):
    """An answer broke a rule on which completeness stands, so reading on could lose rows."""


class RecordError(TapError):
    """A value does not fit its column and no lossless form of it does."""


class HandOverError(TapError):
    """Files for the target cannot be written; the disk or its rights must be corrected."""


class StateError(TapError):
    """The state that was given cannot be read; it must be corrected or removed."""


class CatalogError(TapError):
    """The catalog that was given cannot be read; it must be made anew or corrected."""


class ClockSkewError(TapError):
    """The clocks of the WMS and of this machine disagree too much to bound a window."""


class EligibilityError(TapError):
    """The user sees more than before; somebody must decide what becomes of its history."""


class EntityError(TapError):
    """An entity that was asked for does not exist or cannot be described."""


class SyncFailedError(TapError):
    """At least one stream failed; the text is the table of which and why."""
