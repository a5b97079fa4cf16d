"""Forms about people."""

from collections.abc import Callable

from tests.relying_party import add_person
from tests.security.administration.offices import administrator
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


FORMS: dict[str, Callable[[Parties], Form]] = {
    "admin_people.act": about("disable"),
    "admin_people.begin_acting": acting,
    "acting.end": acting_end,
    "admin_people.plan": about("plan", plan="pro"),
    "admin_people.groups": about("groups", "?group=MAX&role=admin"),
    "admin_people.delete": about("delete", email="EMAIL"),
}
