"""The .token lease: one run at a time per pipeline scope. This is the public surface."""

from flext_coordination.environment import scope_from_env, workspace_from_env
from flext_coordination.errors import (
    CoordinationError,
    LeaseHeldError,
    LeaseLostError,
    TokenFileError,
)
from flext_coordination.lease import Lease, acquire, force_release
from flext_coordination.records import LeaseRecord, TokenEvent
from flext_coordination.token_file import read

__all__ = [
    "CoordinationError",
    "Lease",
    "LeaseHeldError",
    "LeaseLostError",
    "LeaseRecord",
    "TokenEvent",
    "TokenFileError",
    "acquire",
    "force_release",
    "read",
    "scope_from_env",
    "workspace_from_env",
]
