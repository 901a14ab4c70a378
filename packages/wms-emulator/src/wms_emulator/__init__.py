"""The Oracle WMS Cloud REST API on a laptop: seeded data, a journal of the truth, faults by name."""
