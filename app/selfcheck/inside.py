"""Probes of what no request shows: the database and its role, keys and secrets, mail, settings, who administers."""

from datetime import timedelta

from app.database.roles import PASSES_BY
from app.errors import sentence
from app.selfcheck.findings import Book, Seen, failed, in_order, listed, passed, warned
from app.selfcheck.visit import Visit
from app.settings import Settings, risks
from app.settings.generated_keys import kept_at
from app.stores import StoreUnavailable

OLD_KEY, OLD_SECRET, SOON = timedelta(days=400), timedelta(days=365), timedelta(days=14)
book = Book()

ROLE_IN_ORDER = sentence(
    "The role of DATABASE_URL can do what the portal needs and no more, or the database is SQLite."
)
ROLE_PASSES_BY = sentence("The role of DATABASE_URL passes by row-level security (SUPERUSER or BYPASSRLS).")
ROLE_OWNS = sentence("The role of DATABASE_URL owns the tables.")


@book.probe(
    sentence("The database role has no more power than the portal needs"),
    advice=sentence("Let DATABASE_URL name a role that owns nothing, and DATABASE_OWNER_URL the owner of the tables."),
    reference="ASVS 5.0 13.2.2",
)
def database_role(visit: Visit) -> Seen:
    """Neither passes it by row-level security, nor can it switch that off."""
    weakness = visit.services.db.role_weakness()
    if weakness is None:
        return passed(ROLE_IN_ORDER)
    return failed(ROLE_PASSES_BY) if weakness == PASSES_BY else warned(ROLE_OWNS)


SCHEMA_FITS = sentence("The schema is the one this version was written for.")
SCHEMA_AHEAD = sentence("The schema is of another version, with which this one can work.")
SCHEMA_UNFIT = sentence("This version cannot work with the schema that is there.")


@book.probe(
    sentence("The schema of the database is up to date"),
    advice=sentence("Run “flask --app wsgi db upgrade”."),
    reference="docs/database.md, Migrations and the age of code",
)
def schema(visit: Visit) -> Seen:
    """Code and schema are of one version."""
    fit = visit.services.db.schema_fit()
    if fit.is_expected:
        return passed(SCHEMA_FITS)
    return warned(SCHEMA_AHEAD) if fit.is_usable else failed(SCHEMA_UNFIT)


OLD_KEYS = sentence("Signing keys have signed for more than %(days)s days: %(what)s.")


@book.probe(
    sentence("Signing keys can sign and are not too old"),
    advice=sentence("Look at “flask --app wsgi keys list”, and run “keys rotate”."),
    reference="ASVS 5.0 11.1.1, RFC 7517 section 9",
)
def signing_keys(visit: Visit) -> Seen:
    """There is one of each algorithm, each opens, none is older than 400 days."""
    keys = visit.services.keys
    problems = [f"{algorithm}: current" for algorithm in keys.missing()]
    described = keys.describe()
    problems += [f"{key.algorithm}: {key.status}" for key in described if key.opens is False]
    if problems:
        return in_order(problems, len(described))
    old = [age.algorithm for age in keys.ages() if age.status == "current" and age.age > OLD_KEY]
    return warned(OLD_KEYS, days=OLD_KEY.days, what=listed(old)) if old else in_order([], len(described))


ENDING_SECRETS = sentence("Secrets of applications end within %(days)s days: %(what)s.")
OLD_SECRETS = sentence("Secrets of applications are older than %(days)s days: %(what)s.")
SECRETS_IN_ORDER = sentence("No secret of an application is older than %(days)s days or about to end.")


@book.probe(
    sentence("Secrets of applications are neither old nor about to end"),
    advice=sentence("Run “clients rotate-secret” with an overlap, and give the new secret to the application."),
    reference="ASVS 5.0 13.3.4",
)
def client_secrets(visit: Visit) -> Seen:
    """None older than a year, none that ends in two weeks."""
    soundness = visit.services.soundness
    if ending := soundness.ending_secrets(SOON):
        return warned(ENDING_SECRETS, days=SOON.days, what=listed(ending))
    if old := soundness.old_secrets(OLD_SECRET):
        return warned(OLD_SECRETS, days=OLD_SECRET.days, what=listed(old))
    return passed(SECRETS_IN_ORDER, days=OLD_SECRET.days)


GENERATED = sentence("Made by the portal itself and kept in its instance directory: %(what)s.")
KEYS_SET = sentence("SECRET_KEY and ENCRYPTION_KEYS are set by the operator, and all nodes have the same.")


@book.probe(
    sentence("Secrets of the portal are the operator's own"),
    advice=sentence(
        "Set SECRET_KEY and ENCRYPTION_KEYS, the same on all nodes, and keep them apart from the database."
    ),
    reference="ASVS 5.0 13.3.1",
)
def portal_secrets(visit: Visit) -> Seen:
    """They were given, not generated, and no node has others."""
    settings = visit.settings
    if differing := visit.services.agreement.problems():
        return in_order([each.partition(" ")[0] for each in differing], len(differing))
    generated = _generated(settings)
    if not generated:
        return passed(KEYS_SET)
    return (failed if settings.is_production else warned)(GENERATED, what=listed(generated))


def _generated(settings: Settings) -> list[str]:
    """The variables whose values are those that a development portal makes for itself."""
    secrets = settings.secrets
    made = {
        "SECRET_KEY": kept_at(settings.instance_path / "secret_key") == secrets.secret_key,
        "ENCRYPTION_KEYS": kept_at(settings.instance_path / "encryption_key") in secrets.encryption_keys,
    }
    return [name for name, is_made in made.items() if is_made]


NO_MAIL = sentence("No mail leaves: MAIL_SERVER is not set.")
MAIL_UNKNOWN = sentence("A mail server is set; no mail arrived lately, so nobody knows whether it takes them.")
MAIL_FAILS = sentence("Since a mail last arrived %(given_up)s were given up, and %(failing)s are tried again.")
MAIL_ARRIVES = sentence("A mail server is set, and took the last mail.")


@book.probe(
    sentence("Mails arrive"),
    advice=sentence("Set MAIL_SERVER, and look at “flask --app wsgi mail status”: people need mails to get in again."),
    reference="ASVS 5.0 6.4.3",
)
def mail(visit: Visit) -> Seen:
    """A server is set, and the last mail got there."""
    settings = visit.settings
    if not settings.mail.server:
        return (failed if settings.is_production else warned)(NO_MAIL)
    fared = visit.services.soundness.mails()
    if fared.given_up_since or fared.failing:
        return failed(MAIL_FAILS, given_up=fared.given_up_since, failing=fared.failing)
    return warned(MAIL_UNKNOWN) if fared.last_arrival is None else passed(MAIL_ARRIVES)


DEVELOPMENT = sentence("This portal runs for development (APP_ENV), where less is refused.")
LOOSE = sentence("Looser than production should be: %(what)s.")
STRICT = sentence("The settings are those of production, and none is loose.")


@book.probe(
    sentence("Settings are those of production"),
    advice=sentence("Look at “flask --app wsgi config check”, and set what is named."),
    reference="ASVS 5.0 13.4.2, RFC 9700 section 2.6",
)
def production_settings(visit: Visit) -> Seen:
    """Nothing that is meant for a desk."""
    settings = visit.settings
    if not settings.is_production:
        return warned(DEVELOPMENT)
    grave = risks.grave(settings)
    named = [*grave, *risks.loose(settings)]
    if not named:
        return passed(STRICT)
    return (failed if grave else warned)(LOOSE, what=listed(named))


IN_DEVELOPMENT = sentence("Their error pages show everybody what is registered: %(what)s.")
NONE_IN_DEVELOPMENT = sentence("No application is in development, or the portal itself is.")


@book.probe(
    sentence("No application is in development where people use the portal"),
    advice=sentence("Run “clients update” with --no-in-development for each."),
    reference="ASVS 5.0 16.5.1",
)
def development_clients(visit: Visit) -> Seen:
    """Of a portal in production."""
    found = visit.services.soundness.clients_in_development() if visit.settings.is_production else []
    return warned(IN_DEVELOPMENT, what=listed(found)) if found else passed(NONE_IN_DEVELOPMENT)


NOBODY_ADMINISTERS = sentence("Nobody administers the portal.")
UNVERIFIED = sentence("Of %(count)s administrators %(unverified)s never verified their e-mail address.")
ADMINISTRATORS = sentence("All administrators verified their e-mail address: %(count)s.")


@book.probe(
    sentence("Administrators can be reached"),
    advice=sentence("Have them verify the address on their account page, or run “users update” with --verified."),
    reference="ASVS 5.0 6.3.7",
)
def administrators(visit: Visit) -> Seen:
    """There is one, and each has proven the address."""
    count, unverified = visit.services.soundness.administrators()
    if not count:
        return failed(NOBODY_ADMINISTERS)
    return warned(UNVERIFIED, count=count, unverified=unverified) if unverified else passed(ADMINISTRATORS, count=count)


STORE_ANSWERS = sentence("The key/value store answers.")
STORE_AWAY = sentence("The key/value store does not answer: %(what)s.")


@book.probe(
    sentence("What counts attempts and tells backends of ended tokens answers"),
    advice=sentence("Look at REDIS_URL and at the instance directory, where the embedded store is."),
    reference="ASVS 5.0 6.3.1, 7.4.1 and 16.5.2",
)
def store(visit: Visit) -> Seen:
    """Redis where there is one, and the embedded store."""
    kept = visit.services.store
    parts = {"REDIS_URL": kept.ping, "INSTANCE_PATH": kept.ping_fallback} if visit.settings.storage.redis_url else {}
    away = []
    for name, ping in (parts or {"INSTANCE_PATH": kept.ping}).items():
        try:
            ping()
        except StoreUnavailable:
            away.append(name)
    return failed(STORE_AWAY, what=listed(away)) if away else passed(STORE_ANSWERS)
