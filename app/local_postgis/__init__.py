"""A private PostGIS for one checkout and throwaway ones for tests: Unix socket only, no password.

Linux only. Nothing but the standard library is imported, for `python -m app.local_postgis check`
runs before anything is installed.
"""

from app.local_postgis.programs import LocalPostgisError, find_postgis
from app.local_postgis.sharing import private_postgis, throwaway_postgis

__all__ = ["LocalPostgisError", "find_postgis", "private_postgis", "throwaway_postgis"]
