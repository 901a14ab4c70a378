"""The Oracle WMS Cloud REST API on a laptop: seeded rows, a journal of the truth, named faults."""
