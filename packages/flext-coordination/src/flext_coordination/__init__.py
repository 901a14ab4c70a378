"""The .token lease: one run at a time per pipeline scope."""
