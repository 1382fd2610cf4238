"""The documents that clients read. Field names are a contract."""
