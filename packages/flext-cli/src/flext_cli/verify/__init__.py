"""`flext verify`: the rows of the WMS against those of Oracle, by rules of its own."""
