"""Singer target for Oracle Database: staged, set-wise, exactly once in effect."""

from flext_target_oracle.deferral import defer

defer("singer_sdk", "singer_sdk.streams")
