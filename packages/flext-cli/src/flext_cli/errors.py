"""The errors of the command `flext`. Nothing here prints or exits."""

from __future__ import annotations

EXIT_FAILED = 1
EXIT_USAGE = 2


class FlextError(Exception):
    """A failure the person at the terminal can act on.

    `exit_code` is what the process ends with, `details` is text to show below the message (a
    log's end, for instance).
    """

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, remedy: str, details: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy
        self.details = details


class ProjectError(FlextError):
    """The Meltano project is missing or cannot be read."""


class MeltanoError(FlextError):
    """A Meltano command failed."""


class JobFailedError(FlextError):
    """A job of the Meltano project did not succeed; the exit code is that of Meltano."""


class SettingsRefusedError(FlextError):
    """A setting of an end is wrong, or the end refuses what it says."""


class UnhealthyError(FlextError):
    """`flext doctor` found something that would stop a run."""


class ExportError(FlextError):
    """The metrics cannot be written."""


class AlertError(FlextError):
    """An alert was not taken by its hook, or what was told before is not known."""


class LeaseTakenError(FlextError):
    """Another run holds the pipeline."""


class AgainRefusedError(FlextError):
    """Rows cannot be read again this way."""


class HandOverRefusedError(FlextError):
    """There is nothing that could be handed over, or somebody else holds the pipeline."""


class UnknownScopeError(FlextError):
    """A scope was named that nobody holds."""


class EndError(FlextError):
    """An end (WMS or Oracle, or an emulator of one) did not start, answer or stay up."""


class DifferenceError(FlextError):
    """Both ends were compared and differ."""


class StopRequestedError(FlextError):
    """A signal asked the command to stop; everything it started is ended on the way out."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(
            f"stopped by signal {signal_number}", remedy="nothing is left running; run it again"
        )
        self.exit_code = 128 + signal_number
