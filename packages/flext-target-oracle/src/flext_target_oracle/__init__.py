"""Singer target for Oracle Database: staged, set-wise, exactly once in effect."""
