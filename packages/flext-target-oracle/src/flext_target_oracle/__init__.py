"""Singer target for Oracle Database: staged, set-wise, exactly once in effect."""

from flext_target_oracle.deferral import defer, defer_calls

# The driver wants the third only where a wallet stands in for a password.
defer("singer_sdk", "singer_sdk.streams", "cryptography.x509")
# For its own draining in threads and its own batch files; we have neither from the SDK.
defer_calls("joblib", "Parallel", "delayed", "parallel_config")
defer_calls("upath", "UPath")
