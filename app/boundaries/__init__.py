"""Boundary sets: shapes of places from files, matched to districts, and what follows from them."""
