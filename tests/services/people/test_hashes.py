"""What hashes of passwords cost: as much as is recommended, and as much where there is no account."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from app.services.people.passwords import QUICK, Passwords, dummy_of


@pytest.mark.parametrize("hasher", [PasswordHasher(), QUICK], ids=["recommended", "quick"])
def test_where_there_is_no_account_as_much_is_computed(hasher: PasswordHasher) -> None:
    nobodys = dummy_of(hasher)
    assert extract_parameters(nobodys) == extract_parameters(hasher.hash("a password"))
    with pytest.raises(VerifyMismatchError):
        hasher.verify(nobodys, "a password")


def test_no_password_is_right_where_there_is_no_account() -> None:
    assert not Passwords(is_throwaway=True).matches(None, "")
    assert not Passwords(is_throwaway=True).matches(None, "a password nobody has")
