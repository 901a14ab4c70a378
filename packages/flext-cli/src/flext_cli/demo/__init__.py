"""`flext demo`: the main job on both emulators, and both ends compared."""
