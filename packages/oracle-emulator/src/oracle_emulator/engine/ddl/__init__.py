"""The statements that are parsed by hand and carried out on the catalogue: DDL, users, grants."""
