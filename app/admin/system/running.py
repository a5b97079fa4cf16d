"""A run of the self-check beside the requests: in a thread of its own, for it asks the portal that began it."""

import logging
from contextlib import closing
from threading import Thread
from typing import Any

from flask import Flask, current_app

from app.database import ADMINISTRATION, UNAVAILABLE, enter
from app.selfcheck.reports import kept
from app.selfcheck.run import INSIDE, PROBES, CannotRun, run
from app.services.foundation.environment import Caller
from app.services.upkeep.selfchecks import LEFT
from app.wiring import services

logger = logging.getLogger("portal.selfcheck")


def begin(address: str, caller: Caller) -> str:
    """Run all probes against the portal at ``address``, or, where it is empty, those that ask nobody, here and now.

    Answers the id of the report. Commits. Raises :class:`app.errors.InvalidInput` while another run is under way.
    """
    chosen = frozenset() if address else INSIDE
    report_id = services.selfchecks.begin(address, len(chosen) or len(PROBES), caller)
    services.db.commit()
    if address:
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        Thread(target=_carry, args=(app, report_id, address, caller), name="selfcheck", daemon=True).start()
    else:
        _go_through(report_id, address, chosen, caller)
    return report_id


def _carry(app: Flask, report_id: str, address: str, caller: Caller) -> None:
    with app.app_context():
        enter(ADMINISTRATION)
        try:
            _go_through(report_id, address, frozenset(), caller)
        except UNAVAILABLE as error:
            logger.warning("selfcheck_left", extra={"reason": type(error).__name__})
        except Exception:
            logger.exception("selfcheck_failed")
            services.db.rollback()
            services.selfchecks.end(report_id, LEFT)
            services.db.commit()


def _go_through(report_id: str, address: str, chosen: frozenset[str], caller: Caller) -> None:
    found: list[dict[str, Any]] = []
    problem = ""
    try:
        with closing(run(services, address, only=chosen, caller=caller)) as findings:
            for finding in findings:
                found.append(kept(finding))
                is_wanted = services.selfchecks.note(report_id, found)
                services.db.commit()
                if not is_wanted:
                    return
    except CannotRun as reason:
        services.db.rollback()
        problem = str(reason)
    services.selfchecks.end(report_id, problem)
    services.db.commit()
