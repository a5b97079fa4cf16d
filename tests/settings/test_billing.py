"""Settings of what pays for plans."""

from pathlib import Path

import pytest

from app.settings import ConfigurationError, Settings
from app.settings.billing import PLANS

SECRET = "a signing secret of 32 characters"


def test_variants_of_plans_and_where_to_buy(tmp_path: Path) -> None:
    billing = Settings.for_testing(
        tmp_path,
        BILLING_WEBHOOK_SECRET=SECRET,
        BILLING_PLANS="pro:1, pro:2 studio:x_3",
        BILLING_UPGRADE_URL="https://shop.example.com/buy/1?checkout[custom][user_id]={user_id}",
    ).billing
    assert billing.variants_of_plans == (("pro", "1"), ("pro", "2"), ("studio", "x_3"))
    assert billing.upgrade_address("u-1") == "https://shop.example.com/buy/1?checkout[custom][user_id]=u-1"
    assert Settings.for_testing(tmp_path).billing.upgrade_address("u-1") == ""


def test_the_secret_is_masked_and_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    settings = Settings.for_testing(
        tmp_path, BILLING_WEBHOOK_SECRET_FILE=str(tmp_path / "secret"), BILLING_PLANS="pro:1"
    )
    assert settings.billing.webhook_secret == SECRET
    shown = {row.variable: row.value for row in settings.rows()}
    assert SECRET not in shown.values()
    assert shown["BILLING_PLANS"] == "pro=1"


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"BILLING_WEBHOOK_SECRET": "short", "BILLING_PLANS": "pro:1"}, "16 or more characters"),
        ({"BILLING_WEBHOOK_SECRET": SECRET}, "needs BILLING_PLANS"),
        *(
            ({"BILLING_PLANS": plans}, "BILLING_PLANS must")
            for plans in ("pro", "pro:", ":1", "golden:1", "pro:1:2", "pro:1,studio:1", "pro:ü", "pro:" + "1" * 65)
        ),
        *(
            ({"BILLING_UPGRADE_URL": address}, "BILLING_UPGRADE_URL must")
            for address in (
                "shop.example.com",
                "http://shop.example.com/",
                "javascript:alert(1)",
                "https://shop.example.com/a b",
                "https://a@shop.example.com/",
                "https://shop.example.com/{email}",
                "//shop.example.com/",
            )
        ),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, environ: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Settings.for_testing(tmp_path, **environ)


def test_the_plans_it_knows_are_those_there_are() -> None:
    migration = (Path(__file__).resolve().parents[2] / "migrations/versions/0017_plans_and_quotas.py").read_text()
    assert all(f"('{name}', " in migration for name in PLANS)
