"""The revision of an import, which nothing new makes none of."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection

from app.domain.control import Action
from app.importing.report import Order, Report
from app.store.changes import Change, changing
from app.store.revisions import take_turn


@contextmanager
def one_revision(
    connection: Connection, order: Order, report: Report
) -> Iterator[Callable[[], Change]]:
    """Give a function for the import's revision: the first call takes it.

    Waits for this writer's turn first. At the end of the block the report is kept with the
    revision, and the revision is sealed, if there is one. Errors, and a dry run, undo all of it.
    """
    attempt = connection.begin_nested()
    take_turn(connection)
    taken: list[Change] = []
    with ExitStack() as open_change:

        def change() -> Change:
            if not taken:
                reason = f"import of {order.name}"
                new = changing(connection, author=order.author, action=Action.IMPORT, reason=reason)
                taken.append(open_change.enter_context(new))
                report.revision = taken[0].revision.number
            return taken[0]

        yield change
        if taken:
            taken[0].add_report(report.as_document())
    if order.dry_run or report.refused:
        attempt.rollback()
        report.revision = None
    else:
        attempt.commit()
