"""The audit trail, and the settings the portal runs with."""

from dataclasses import asdict

from app.api.operations import Access, Routes
from app.api.service.answers import Decision, Record, RecordList, Setting, SettingList, Trace
from app.api.service.asked import RecordsWanted
from app.api.service_token import Service
from app.errors import NotFound
from app.services.record.trail import Filters, place
from app.wiring import services

routes = Routes("Service: system")
SCOPES = ("admin:system",)


@routes("GET", "/audit", Access.SERVICE, scopes=SCOPES, query=RecordsWanted, answer=RecordList, is_on_record=True)
def audit(service: Service, query: RecordsWanted) -> RecordList:
    """Records of the audit trail, the latest first. That they were read is on record, too.

    `flask audit export` has all of them with what proves that none was changed.
    """
    wanted = Filters(query.action, query.client_id, query.user_id, query.success, query.since, query.until)
    rows = services.trail.list(wanted, query.limit, service.caller, after=query.cursor)
    records = [Record(**{name: row[name] for name in Record.model_fields}) for row in rows]
    # Whether there are more is told by the next part: reading one row more would be on record as reading it.
    return RecordList(records=records, next=place(rows[-1]) if len(rows) == query.limit else None)


@routes("GET", "/trace/<subject>", Access.SERVICE, scopes=SCOPES, answer=Trace, refusals=(404,), is_on_record=True)
def trace(service: Service, subject: str) -> Trace:
    """What is on record about a request, a session (`sid`), a grant or a person, by its id: first what came first.

    `why` says in sentences why a session or grant is over. That it was read is on record, too.
    """
    # An e-mail has no place in an address, which stands in logs.
    if "@" in subject:
        raise NotFound
    found = services.traces.about(subject, service.caller)
    decisions = [Decision(**asdict(each)) for each in found.decisions]
    return Trace(kind=found.kind, id=found.id, why=found.why, decisions=decisions)


@routes("GET", "/settings", Access.SERVICE, scopes=SCOPES, answer=SettingList)
def settings(service: Service) -> SettingList:
    """Every setting, secrets masked."""
    rows = services.settings.rows()
    return SettingList(settings=[Setting(variable=row.variable, value=str(row.value)) for row in rows])
