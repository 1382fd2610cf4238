"""A file in, typed rows or row errors out: no database, no HTTP."""
