"""Forms about people."""

from collections.abc import Callable
from io import BytesIO

from PIL import Image
from werkzeug.test import TestResponse

from app.services.foundation.environment import NOBODY
from tests.pictures import encoded
from tests.relying_party import add_person, link_identity, log_in
from tests.security.administration.offices import administrator, sent
from tests.security.changes import Form
from tests.security.parties import Parties


def about(path: str, query: str = "", **values: str) -> Callable[[Parties], Form]:
    """A form about somebody new."""

    def make(parties: Parties) -> Form:
        browser = administrator(parties)
        parties.count += 1
        email = f"person-{parties.count}@example.com"
        who = add_person(parties.app, email)
        given = {name: email if value == "EMAIL" else value for name, value in values.items()}
        return Form(browser, f"/admin/people/{who}/{path}{query}", given)

    return make


def acting(parties: Parties) -> Form:
    """The form with which a new administrator begins to act as a new person."""
    assert parties.run("groups", "update", "MAX", "--allow-acting").exit_code == 0
    return about("act", reason="A ticket")(parties)


def acting_end(parties: Parties) -> Form:
    """The button that ends it."""
    form = acting(parties)
    assert form.send(form.token()).status_code == 303
    return Form(form.browser, "/acting/end")


def ending_session(parties: Parties) -> Form:
    """The form that ends a session of somebody new."""
    form = about("sessions")(parties)
    log_in(parties.app.test_client(), email=f"person-{parties.count}@example.com")
    with parties.app.app_context():
        (session,) = parties.app.extensions["services"].sessions.page(form.path.split("/")[3]).items
    return Form(form.browser, f"{form.path}/{session.id}/end")


def unlinking(parties: Parties) -> Form:
    """The form that ends the link of somebody new."""
    form = about("identities")(parties)
    identity = link_identity(parties.app, form.path.split("/")[3], subject=f"unlinked-{parties.count}")
    return Form(form.browser, f"{form.path}/{identity}/unlink")


def removing_app(parties: Parties) -> Form:
    """The form that takes the access of an application."""
    form = about("apps")(parties)
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        client = services.clients.find(parties.web.client_id)
        services.consents.grant(form.path.split("/")[3], client, ("openid",), NOBODY)
        services.db.session.commit()
    return Form(form.browser, f"{form.path}/{parties.web.client_id}/remove")


def removing_photo(parties: Parties) -> Form:
    """The form that takes away the photo of somebody new."""
    form = about("remove-photo")(parties)
    with parties.app.app_context():
        services, who = parties.app.extensions["services"], form.path.split("/")[3]
        services.photos.put(who, services.photos.prepare(who, encoded(Image.new("RGB", (90, 90)))), NOBODY)
        services.db.session.commit()
    return form


def choosing(parties: Parties) -> Form:
    """The form of the list that chooses somebody new."""
    form = about("")(parties)
    return Form(form.browser, "/admin/people", {"person": form.path.split("/")[3]})


def task(parties: Parties) -> Form:
    """The form that has something done to who was chosen."""
    form = choosing(parties)
    chosen = form.send(form.token())
    assert chosen.status_code == 303
    return Form(form.browser, f"{chosen.location}?deed=disable")


def stopping(parties: Parties) -> Form:
    """The form that stops it."""
    form = task(parties)
    return Form(form.browser, f"{form.path.partition('?')[0]}/stop")


class FileForm(Form):
    """A form with a file, which is read each time it is sent."""

    def send(self, token: str | None, **headers: str) -> TestResponse:
        """Send it with the file."""
        form = {**self.values, "file": (BytesIO(b'{"email": "imported@example.com"}'), "people.jsonl")}
        if token is not None:
            form["csrf_token"] = token
        return self.browser.post(self.path, data=form, headers=headers)


def file_of_people(parties: Parties) -> Form:
    """The form that sends a file."""
    return FileForm(administrator(parties), "/admin/people/import", {"written": "jsonl"})


FORMS: dict[str, Callable[[Parties], Form]] = {
    "admin_people.people": choosing,
    "admin_people.task": task,
    "admin_people.stop_task": stopping,
    "admin_people.import_file": file_of_people,
    "admin_people.act": about("disable"),
    "admin_people.begin_acting": acting,
    "acting.end": acting_end,
    "admin_people.plan": about("plan", plan="pro"),
    "admin_people.groups": about("groups", "?group=MAX&role=admin"),
    "admin_people.new": sent("/admin/people/new", email="made@example.com", locale="en", way="password"),
    "admin_people.edit": about("edit", email="EMAIL", full_name="Other", username="other.name", timezone="UTC"),
    "admin_people.end_session": ending_session,
    "admin_people.remove_app": removing_app,
    "admin_people.unlink": unlinking,
    "admin_people.remove_photo": removing_photo,
    "admin_people.delete": about("delete", email="EMAIL"),
}
