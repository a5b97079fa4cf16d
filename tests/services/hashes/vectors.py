"""Hashes as other systems made them, each with its password.

Made once by Django 5.2, Werkzeug 3.1 and passlib 1.7 at low cost; those in Keycloak's form by ``cryptography`` and
``argon2-cffi``, with the members that exports of a realm have. ``DEFAULTS`` have the parameters these libraries begin with.
"""

# ruff: noqa: E501

PASSWORD = "correct horse battery 9"
KOREAN = "비밀번호는 café 열쇠"
VECTORS: list[tuple[str, str, str]] = [
    (
        "django pbkdf2_sha256",
        PASSWORD,
        "pbkdf2_sha256$1000$Q4aSzFdMcO6C48mKRnC65f$gWV252l5T/pP1cI74crAyDUg7U4NM5EFL9P6jNH9b0o=",
    ),
    ("django pbkdf2_sha1", PASSWORD, "pbkdf2_sha1$1000$Q4aSzFdMcO6C48mKRnC65f$MmstZrYx3aLoF8+1WEGFJTwLcmQ="),
    (
        "django argon2",
        PASSWORD,
        "argon2$argon2id$v=19$m=1024,t=2,p=8$b2VqdWJ0UG5BUDJHMkZUemRZRXd6ZA$Zz4XJ3EN2ns8B2tlSvKg/DOcmAbeF20nZdI07vEeSSA",
    ),
    ("django bcrypt_sha256", PASSWORD, "bcrypt_sha256$$2b$04$tAxZPGwD8T.Xd55rX6xZ6uxqTWQYpErrOmGUcFvJ8yvppgmT7xqH2"),
    (
        "django bcrypt_sha256 long",
        PASSWORD * 5,
        "bcrypt_sha256$$2b$04$JyYQJMLc0AR/IrF7NOs0AOSmHU5HKz5hrrlGY3j6/CJ5fWDEGVbom",
    ),
    ("django bcrypt", PASSWORD, "bcrypt$$2b$04$4gUkziHu2uyHDOfKeLGMKe8vMT/mjkUqLrZ0Td7cEjHg5NdRVCOZu"),
    (
        "django scrypt",
        PASSWORD,
        "scrypt$1024$f9iiN7ytpiSATnusCPrKcK$8$5$onFZ2aumUPjq4D0XVH0thIeVLs9G1uWlPOetKuYGxWAZTwnEERvyUXVyqXCXpIxGlAIyO7VAJiwUBN4EbSpPvg==",
    ),
    ("django korean", KOREAN, "pbkdf2_sha256$1000$aw4zbFSC$MOam/sZVdDyZvwqB9NZ5yG+2q14oK8o2QQ8kA7lvNEg="),
    (
        "werkzeug scrypt:1024",
        PASSWORD,
        "scrypt:1024:8:1$9ULrHQjqAuHStDvs$778d4d6e40a011c925457e2f1ebf3ceb219f5446768afbb62d57e7afc1ac83048c20f15df09f8793df6ec4080b546660a607123f5bcab12f37a9758584b70062",
    ),
    (
        "werkzeug pbkdf2:sha256",
        PASSWORD,
        "pbkdf2:sha256:1000$IDyHlENeauKgM0df$ead757ef42d32b3bf76034416e4111ef321d3d7fe946ba6e2d0602fd8d015d21",
    ),
    ("werkzeug pbkdf2:sha1", PASSWORD, "pbkdf2:sha1:1000$pwn1UpCfsprx7psT$98ca8efd8af8f1a268c04acfacaa2e3b2f3735ed"),
    (
        "werkzeug pbkdf2:sha512",
        PASSWORD,
        "pbkdf2:sha512:1000$gj8M6nVuc4VyR3jH$fe2df95e960ac2c403a3685fb5f5f5fd2acd28f0077b044a0f955d084243669f6c5a3f56ecbce0dd5f9424572dfac1a0e8bb053c7f01e33c11028f519dbf4286",
    ),
    (
        "passlib scrypt",
        PASSWORD,
        "$scrypt$ln=10,r=8,p=1$xlgrxZgTwvh/LyVEaK0Vgg$dxGwCFkq5Fqz4tV6pQoADUY//Nm5iF3wAQmTfuiRQhY",
    ),
    (
        "passlib pbkdf2_sha256",
        PASSWORD,
        "$pbkdf2-sha256$1000$XqvVWstZi5GSkhKiNAbA.A$tfI/WRE9ydmNRvjMsmuV2ijTnueZJL3PZg44yvTI6Ss",
    ),
    (
        "passlib pbkdf2_sha512",
        PASSWORD,
        "$pbkdf2-sha512$1000$fU8JgbCWkrKW0tqb09obAw$X5nF8t/X6Hz8BQmyFaEKxRtheLyIXyB64JEfPZdKGVU9P4foUwOmgELUVYXT/cSOMvxXISspKdVd8B0xYq7EpQ",
    ),
    ("passlib pbkdf2_sha1", PASSWORD, "$pbkdf2$1000$PMcYgxDCGEPIGaP0nhPCeA$4k/Ak39R7NRComwcW5h/L/FbcqI"),
    (
        "passlib argon2i",
        PASSWORD,
        "$argon2i$v=19$m=1024,t=1,p=4$JkToXSulNAbgPAfAmBOi9A$OV+fd6iGg5JRnmawlKAkNL4f5iEk3RslBhagL2XLJhc",
    ),
    (
        "passlib argon2d",
        PASSWORD,
        "$argon2d$v=19$m=1024,t=1,p=4$6/1/j7E25nyPkfK+VwoBwA$oimZXHkN7m12/m1MkwnO+LMtZgdax2mE1fjVhuF2+rA",
    ),
    (
        "passlib argon2id",
        PASSWORD,
        "$argon2id$v=19$m=1024,t=1,p=4$eE9pjXEuZWyNUQqBsBbCGA$yMm+GIvtJpMb/b4XOnhyczPTVyoSFyr6Nc/NiX+WTZ8",
    ),
    ("passlib bcrypt 2a", PASSWORD, "$2a$04$pfwr.5wZ6tREnz03Iz0bUOhXgHxA4mZeumhAoIjoR.CmnWzYQaoYK"),
    ("passlib bcrypt 2b", PASSWORD, "$2b$04$Gi7GotK9Gwu31.2IsRnAlOMoQi6cC.D2e4dz3d8zLwQBaVFquwTby"),
    ("passlib bcrypt 2y", PASSWORD, "$2y$04$LwdeST61W/hCyvhsfnTYcu56TMVoBC2Y/fI.S32v.0GSPEYNBMXRS"),
]
KEYCLOAK: list[tuple[str, dict[str, str]]] = [
    (
        "keycloak pbkdf2 64",
        {
            "type": "password",
            "secretData": '{"value": "dKrgiqsbPFOXHAz5uJqN7l1XBEuyrY3cmAW2G6zeaUJBkGTyUCrARcKtbJXF/TsAugJos8NSeOVSBhIxkUVuEQ==", "salt": "AAECAwQFBgcICQoLDA0ODw==", "additionalParameters": {}}',
            "credentialData": '{"hashIterations": 1000, "algorithm": "pbkdf2", "additionalParameters": {}}',
        },
    ),
    (
        "keycloak pbkdf2-sha256 64",
        {
            "type": "password",
            "secretData": '{"value": "Nm22NoYNeD/jhs9tAjgt+hewlTgs+C0uMmR+Mqzg9i7Y0oC9i+ga0knp64HFkka6omxrewvxkSHz6lPLIZ+Gug==", "salt": "AAECAwQFBgcICQoLDA0ODw==", "additionalParameters": {}}',
            "credentialData": '{"hashIterations": 1000, "algorithm": "pbkdf2-sha256", "additionalParameters": {}}',
        },
    ),
    (
        "keycloak pbkdf2-sha512 64",
        {
            "type": "password",
            "secretData": '{"value": "M0R3yVv8v9ymFLqZitmOk4t+szJ//TeH0/lpEo/dU4k+P5OQkVp5E/KOkRzMUTk7S8PwvgO0jeL+0McDv4ba5Q==", "salt": "AAECAwQFBgcICQoLDA0ODw==", "additionalParameters": {}}',
            "credentialData": '{"hashIterations": 1000, "algorithm": "pbkdf2-sha512", "additionalParameters": {}}',
        },
    ),
    (
        "keycloak pbkdf2-sha256 32",
        {
            "type": "password",
            "secretData": '{"value": "Nm22NoYNeD/jhs9tAjgt+hewlTgs+C0uMmR+Mqzg9i4=", "salt": "AAECAwQFBgcICQoLDA0ODw==", "additionalParameters": {}}',
            "credentialData": '{"hashIterations": 1000, "algorithm": "pbkdf2-sha256", "additionalParameters": {}}',
        },
    ),
    (
        "keycloak argon2",
        {
            "type": "password",
            "secretData": '{"value": "wc2oWu5V1e6ZvxbKHXQZRLp19Wn3xbHgZOqdCeLUwgU=", "salt": "AAECAwQFBgcICQoLDA0ODw==", "additionalParameters": {}}',
            "credentialData": '{"hashIterations": 2, "algorithm": "argon2", "additionalParameters": {"hashLength": ["32"], "memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}}',
        },
    ),
]
DEFAULTS = [
    "pbkdf2_sha256$1000000$64ujz15wkoA48fOR4cc7w5$sEWMLT1Qx0DgzhVy7A8OHplykchwOatiwKg0eeVshYE=",
    "pbkdf2_sha1$1000000$W2anlMSl3p04SsDhXdhdKE$lKHXA3fnseFM5JiiLdgqjHoRflU=",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$R3Q1Ukxac0I2OWxFRExra3FveEZVaQ$til3+MKHHGlLSupB+CDAtcLZQ1bPQBeKBXGRylbn+Lo",
    "bcrypt_sha256$$2b$12$39ccxoIHxPmV3a3UpRqyN.gipI2zeuoSvFx31F3T7GKMjsMfuE6EC",
    "bcrypt$$2b$12$FhlnJC/tE3dCe7FqqMauFeLEYv9l6b.htufdrSOhSK9dJDHhxfJJ6",
    "scrypt$16384$LbuAwc8wtMeL0PXC0wLr00$8$5$WBf7sTokewGelRbxhkwdqyO8BSZ8h53/yPZvZ17/Kb9VE5Kx5mn03/bmS1izCOQ+X4briGsTYXu1zLX5/p2lHA==",
    "scrypt:32768:8:1$5CzNK8JxpsDayp4b$6a79e7c45ce3218523fe015776a1be027d63b646b81175d660fd62b772198c8872c80b29df6500d71ae8a5ec91afbae55de19a3e83ef9dd70aa78fc6f22315cb",
    "pbkdf2:sha256:1000000$RZYjLRhEzkuMXqRl$80bf44b8d4f101f19a8369012acd434ac587bf45ba75e85a9876287a4cd13245",
    "$argon2id$v=19$m=65536,t=3,p=4$c0FLakUzbjdZN01WRjdMUkxwUjM0eQ$o6w7XXfY8eAtP7U/6bmWdnv7qKW5g5ylWNKOmCKo9I4",
]
