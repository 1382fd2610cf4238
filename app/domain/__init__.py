"""The core: what a record says, in plain Python with no database, no HTTP and no third party."""
