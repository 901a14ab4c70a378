"""Queries and DML: Oracle's syntax tree into PostgreSQL's. Nothing here talks to a database."""
