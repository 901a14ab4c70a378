"""flext: the command a person types around the pipeline."""
