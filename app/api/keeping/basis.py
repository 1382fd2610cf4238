"""What an answer rests on, noted by whatever reads for it while it is made."""

from contextvars import ContextVar
from dataclasses import dataclass

from app.store.revisions import State

_current: ContextVar["Basis | None"] = ContextVar("basis", default=None)


@dataclass
class Basis:
    """The oldest state that was read for an answer, and whether the answer can ever change.

    `state` None: nothing was read. `fixed` is whether every question that it answers fixes
    `as_of` and `known_at`; None where it answers no question at any clock.
    """

    state: State | None = None
    fixed: bool | None = None

    def read(self, state: State) -> None:
        """Note that something was read of the record and of the places as they stood then."""
        self.state = min(self.state, state) if self.state else state

    def asked(self, *, fixed: bool) -> None:
        """Note a question; one that leaves a clock open makes the whole answer open."""
        self.fixed = fixed and self.fixed is not False


def read(state: State) -> None:
    """Note that state for the answer which is being made, if one is."""
    made = _current.get()
    if made:
        made.read(state)


def basis() -> Basis:
    """That of the answer which is being made; outside of one, a Basis that nobody looks at."""
    return _current.get() or Basis()


class noting:
    """While the block runs, `basis()` is what it gives; what that read, the outer one has read."""

    def __enter__(self) -> Basis:
        self._made = Basis()
        self._token = _current.set(self._made)
        return self._made

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
        if self._made.state:
            read(self._made.state)
