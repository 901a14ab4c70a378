"""`flext doctor`: what would stop a run, found before it, each with its remedy."""
