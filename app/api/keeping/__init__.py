"""Finished answers are kept and given again, before any route is looked for, until they may differ.

What is promised, and why it holds, is told in docs/decisions/0023.
"""

from app.api.keeping.basis import Basis, basis
from app.api.keeping.figures import Figures
from app.api.keeping.kept import Kept
from app.api.keeping.layer import STATUS_HEADER, Around, Keep

__all__ = ["STATUS_HEADER", "Around", "Basis", "Figures", "Keep", "Kept", "basis"]
