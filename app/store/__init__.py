"""All SQL: the tables, the bitemporal predicates, and one file for each question asked of them."""
