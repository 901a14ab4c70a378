"""What can end a run or a batch, grouped by what the reader must do. No logic lives here.

Every message names the setting or the place and the remedy, and never holds a secret or the value
of a column that is not a key.
"""

from __future__ import annotations

from singer_sdk.exceptions import MissingKeyPropertiesError, RecordsWithoutSchemaException


class TargetError(Exception):
    """The base: one message for the user, exit code 1, no traceback."""

    exit_code = 1


class SettingsError(TargetError):
    """A setting is missing or wrong: change it."""


class InputError(TargetError):
    """The Singer messages break the protocol: the tap is at fault.

    Attributes:
        line: which line of the input it is, from 1 on; None until it is known.
    """

    line: int | None = None

    def __str__(self) -> str:
        place = "" if self.line is None else f"line {self.line} of the input: "
        return place + super().__str__()


class BatchRefusedError(InputError):
    """A BATCH message, or a file of it, is not what it should be; none of its rows is loaded."""


class RecordBeforeSchemaError(InputError, RecordsWithoutSchemaException):
    """A RECORD came before the SCHEMA of its stream."""


class SchemaRefusedError(TargetError):
    """The stream's schema cannot be held by the table: change one of them."""


class LoadRefusedError(TargetError):
    """A load cannot go on, or end, without losing rows; nothing of the table was touched."""


class DeletesRefusedError(TargetError):
    """A load lacks more rows than may be removed: look at the source first."""


class RowRefusedError(TargetError):
    """More rows were refused than `max_rejects` allows; the batch was rolled back."""


class KeyMissingError(RowRefusedError, MissingKeyPropertiesError):
    """The refused row has no value for a key property."""


class DatabaseError(TargetError):
    """Oracle, or the way to it, refused: the message says what to change."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class ConnectionLostError(DatabaseError):
    """The session is gone; whether its last statement took effect is unknown. Ask the fence."""


class ContendedError(DatabaseError):
    """Another session was in the way (deadlock, a key inserted meanwhile): roll back, try again."""


class RowDataError(DatabaseError):
    """Oracle refuses a value of the batch."""


class DirectPathError(DatabaseError):
    """A batch cannot be staged by direct path, or not be read from there; array insert may do."""


class FenceLostError(TargetError):
    """Another run took this table and scope over: nothing more may be committed by this one."""


class FenceHeldError(TargetError):
    """Another run holds the table and its lease is live: wait for it, nothing was changed."""


class StreamOutOfStepError(TargetError):
    """Meltano's bookmark and the database do not belong together: load the stream anew."""


class StateUnwrittenError(TargetError):
    """A STATE line could not be written; what is committed stays, the next run repeats it."""


class TerminatedError(TargetError):
    """The process was asked to stop; what is durable was reported in STATE."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by signal {signum}; STATE holds what was committed")
        self.exit_code = 128 + signum
