"""The numbers of TTC: message types and function codes."""

from __future__ import annotations

import enum


class Message(enum.IntEnum):
    """What the first byte of a message says."""

    PROTOCOL = 1
    DATA_TYPES = 2
    FUNCTION = 3
    ERROR = 4
    ROW_HEADER = 6
    ROW_DATA = 7
    PARAMETER = 8
    STATUS = 9
    IO_VECTOR = 11
    LOB_DATA = 14
    DESCRIBE_INFO = 16
    PIGGYBACK = 17
    FLUSH_OUT_BINDS = 19
    ONE_WAY = 26
    END_OF_RESPONSE = 29
    TOKEN = 33
    FAST_AUTH = 34


class Function(enum.IntEnum):
    """What a FUNCTION or PIGGYBACK message asks for."""

    REEXECUTE = 4
    FETCH = 5
    LOGOFF = 9
    COMMIT = 14
    ROLLBACK = 15
    REEXECUTE_AND_FETCH = 78
    EXECUTE = 94
    LOB_OP = 96
    CLOSE_CURSORS = 105
    AUTH_PHASE_TWO = 115
    AUTH_PHASE_ONE = 118
    DIRECT_PATH_PREPARE = 128
    DIRECT_PATH_LOAD_STREAM = 129
    DIRECT_PATH_OP = 130
    END_TO_END = 135
    PING = 147
    SET_SCHEMA = 152
    KEY_VALUES = 154
    SESSION_RELEASE = 163
    SESSION_STATE = 176
    PIPELINE_BEGIN = 199
    PIPELINE_END = 200


TOKEN_FIELD_VERSION = 18
CALL_STATUS_TRANSACTION = 0x2

NO_DATA_FOUND = 1403
ARRAY_DML_ERRORS = 24381
