"""A database back end for Django: its own for SQLite, with a pool (base.py)."""
