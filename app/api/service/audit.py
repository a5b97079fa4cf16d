"""The audit trail, what is on its way out, and the settings the portal runs with."""

from dataclasses import asdict

from app.api.operations import Access, Routes
from app.api.service.answers import counted
from app.api.service.asked import DeliveriesWanted, RecordsWanted
from app.api.service.system_answers import (
    Decision,
    DeliveryList,
    Record,
    RecordList,
    SeenDelivery,
    Setting,
    SettingList,
    Trace,
)
from app.api.service_token import Service
from app.errors import NotFound
from app.services.oversight.deliveries import WantedDeliveries
from app.services.record.search import Filters
from app.wiring import services

routes = Routes("Service: system")
SCOPES = ("admin:system",)


@routes("GET", "/audit", Access.SERVICE, scopes=SCOPES, query=RecordsWanted, answer=RecordList, is_on_record=True)
def audit(service: Service, query: RecordsWanted) -> RecordList:
    """Records of the audit trail, the latest first. That they were read is on record, too.

    What no index answers is asked of twenty thousand records for one part, which says so where that was not enough;
    `next` goes on. `flask audit export` has all records with what proves that none was changed.
    """
    wanted = Filters(
        actions=tuple(query.action.split(",")) if query.action else None,
        client=query.client_id,
        user=query.user_id,
        success=query.success,
        since=query.since,
        until=query.until,
        actor=query.actor,
        ip=query.ip,
        request=query.request,
        error=query.error,
    )
    page = services.records.page(wanted, service.caller, limit=query.limit, after=query.cursor)
    records = [Record(**{name: row[name] for name in Record.model_fields}) for row in page.items]
    return RecordList(records=records, next=page.next, previous=page.previous, searched_to=page.searched_to)


@routes("GET", "/deliveries", Access.SERVICE, scopes=SCOPES, query=DeliveriesWanted, answer=DeliveryList)
def deliveries(service: Service, query: DeliveriesWanted) -> DeliveryList:
    """Mails and notices that wait, and those that arrived or were given up in the last week, the latest first."""
    wanted = WantedDeliveries(query.kind, query.state, query.user_id, query.client_id, query.since)
    page = services.deliveries.page(wanted, limit=query.limit, after=query.cursor)
    count = counted(services.deliveries.count(wanted)) if query.count else None
    shown = [SeenDelivery(**asdict(each)) for each in page.items]
    return DeliveryList(deliveries=shown, next=page.next, previous=page.previous, count=count)


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
