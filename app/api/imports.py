"""`/imports`: a whole file of claims or events, as one revision."""

import hashlib
import io
import tempfile
from collections.abc import Mapping as Dict
from typing import Annotated, Any, BinaryIO, Literal, cast

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.api import params
from app.api.auth import Writer
from app.api.deps import AppSettings, ReadConnection
from app.api.errors import ImportRefusedError, documented
from app.api.examples import example
from app.api.formats import negotiate
from app.api.once import GivenKey, Write
from app.api.routes import Route
from app.api.schemas.imports import ImportReport
from app.domain.errors import UnknownRecordError
from app.importers.reader import Form, sniff
from app.importing.files import import_file, mapping_of, write_errors
from app.importing.report import Order, Report
from app.store.claims import report_of
from app.store.engine import writing

router = APIRouter(tags=["Writing"], route_class=Route)

_FORMS: dict[str, Form] = {
    "text/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
}
_IN_MEMORY = 1 << 20
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file itself, as it is: `curl --data-binary @claims.csv`.",
        "content": {name: {"schema": {"type": "string"}} for name in _FORMS},
    }
}
_TABLE: dict[str, Any] = {"text/csv": {"schema": {"type": "string"}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    201: {
        "model": ImportReport,
        "description": "Recorded; `Location` has the report",
        "content": _TABLE,
    },
    200: {
        "model": ImportReport,
        "description": "Nothing was new, or `dry_run`",
        "content": _TABLE,
    },
}


class Import(BaseModel):
    """`POST /imports`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    of: Literal["claims", "events"] = Field(
        "claims",
        description="What the rows are: claims of documents, which are grouped into events, or "
        "`events` as `GET /events?f=ndjson` or `f=csv` gives them.",
    )
    mapping: Annotated[str, StringConstraints(min_length=1, max_length=20_000)] = Field(
        "claims",
        description="How to read claims: `claims` or `acled`, or the JSON text of a mapping file.",
    )
    name: params.Name | None = Field(None, description="Name of the file, for the report.")
    country: params.Country = params.COUNTRY
    partial: bool = Field(False, description="Record the rows without errors, if there are any.")
    dry_run: bool = Field(False, description="Record nothing; tell what would be.")
    f: Literal["json", "csv"] = Field("json", description="The report, or its errors as a table.")


@router.post(
    "/imports",
    summary="Import a file",
    response_model=ImportReport,
    responses=_ANSWERS | documented(403, 404, 413, 415, 422),
    openapi_extra=_FILE,
)
async def post_import(
    request: Request,
    query: Annotated[Import, Query()],
    caller: Writer,
    key: GivenKey,
    settings: AppSettings,
) -> Response:
    """Import claims (or events) from CSV or NDJSON, all of them or none.

    The file is the body. It is read as it comes and kept on disk, up to `MAX_IMPORT_MB`. Claims
    are grouped into events with what is on record; importing a file twice changes nothing.
    With errors nothing is recorded, unless `partial`: the answer is a 422 whose `report` lists
    them.
    """
    form = _form(request)
    mapping = mapping_of(query.mapping) if query.of == "claims" else None
    order = Order(
        name=query.name or f"a file of {query.of}",
        country=query.country or settings.default_country,
        author=caller.owner,
        partial=query.partial,
        dry_run=query.dry_run,
    )
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        asked = await _spool(request, file, settings.max_import_mb << 20)

        def do() -> Response:
            file.seek(0)
            chosen = form or sniff(order.name, file.read(4096))
            file.seek(0)
            with writing(request.app.state.engine) as connection:
                write = Write(connection, caller, key, asked)
                return write.once(
                    lambda: _answer(
                        request,
                        import_file(connection, cast(BinaryIO, file), chosen, order, mapping),
                        query,
                    )
                )

        async with request.app.state.writers:
            return await run_in_threadpool(do)


@router.get(
    "/imports/{revision}",
    summary="What an import found",
    response_model=ImportReport,
    responses=example("import") | documented(404, 406, 422),
)
def get_import(
    request: Request,
    revision: Annotated[int, Path(ge=1, lt=2**63, description="Revision that the import made.")],
    query: Annotated[params.Query, Query()],
    connection: ReadConnection,
) -> ImportReport:
    """The report of an import that was recorded."""
    negotiate(request, query.f, "json")
    found = report_of(connection, revision)
    if found is None:
        raise UnknownRecordError(f"revision {revision} is no import", field="revision")
    return ImportReport.model_validate(found)


def _form(request: Request) -> Form | None:
    """The form that the client says; None: the file itself has to tell."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given.startswith("multipart/"):
        raise HTTPException(
            415, "send the file itself as the body, not a form: curl --data-binary @claims.csv"
        )
    return _FORMS.get(given)


async def _spool(request: Request, file: Any, most: int) -> str:
    """Keep the body in a file, and give the hash of all that is asked."""
    digest = hashlib.sha256(f"{request.url.path}?{request.url.query}\0".encode())
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise HTTPException(413, f"a file has at most {most >> 20} MiB here")
        digest.update(chunk)
        file.write(chunk)
    return digest.hexdigest()


def _answer(request: Request, report: Report, query: Import) -> Response:
    if report.refused:
        raise ImportRefusedError(report.as_document())
    headers: Dict[str, str] = {}
    if report.revision:
        root = request.scope.get("root_path", "")
        headers = {"Location": f"{root}/imports/{report.revision}"}
    status = 201 if report.revision else 200
    if query.f == "csv":
        table = io.StringIO()
        write_errors(report, table)
        return Response(
            table.getvalue(), status_code=status, media_type="text/csv", headers=dict(headers)
        )
    document = ImportReport.model_validate(report.as_document())
    return Response(
        document.model_dump_json(),
        status_code=status,
        media_type="application/json",
        headers=dict(headers),
    )
