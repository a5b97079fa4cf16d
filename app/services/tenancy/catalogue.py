"""What every portal has: its permissions with what they mean to people, two roles, a group for everybody."""

from app.services.foundation.powers import AUDIT, CLIENTS, KEYS, SYSTEM, USERS

ADMIN_ROLE, MEMBER_ROLE = "admin", "member"
BUILTIN_ROLES = frozenset({ADMIN_ROLE, MEMBER_ROLE})
PRIMARY_GROUP = "MAX"
"""The platform's own group, which new people join."""
GROUP, WORKSPACE = "group", "workspace"
KINDS = (GROUP, WORKSPACE)
ADMIN_ACCESS = "admin:access"
"""What only the role :data:`ADMIN_ROLE` carries: who holds that one in the primary group administers the platform."""

READ = (
    ("read:profile", "See your profile and e-mail address", "프로필과 이메일 주소를 확인합니다"),
    ("read:features", "See which features you can use", "사용할 수 있는 기능을 확인합니다"),
    ("read:groups", "See your groups and workspaces", "소속 그룹과 워크스페이스를 확인합니다"),
)
MANAGE = (
    ("manage:workflows", "Manage your workflows", "워크플로를 관리합니다"),
    ("manage:teams", "Manage your teams", "팀을 관리합니다"),
    ("manage:experiments", "Manage your experiments", "실험을 관리합니다"),
    ("manage:workspaces", "Manage your workspaces", "워크스페이스를 관리합니다"),
    ("manage:apis", "Manage your APIs", "API를 관리합니다"),
    ("manage:models", "Manage your models", "모델을 관리합니다"),
)
ADMINISTER = (
    (CLIENTS, "Administer applications", "앱을 관리합니다"),
    (USERS, "Administer people, groups and roles", "사용자, 그룹, 역할을 관리합니다"),
    (AUDIT, "Read the audit log", "감사 로그를 확인합니다"),
    (KEYS, "Administer signing keys", "서명 키를 관리합니다"),
    (
        SYSTEM,
        "See settings and the state of the system, administer plans and mails",
        "설정과 시스템 상태를 확인하고, 요금제와 메일을 관리합니다",
    ),
)
"""A part of the portal each. A scope of backends may be called so, too (``admin:users``); people's scopes are not."""
PERMISSIONS = (*READ, *MANAGE, *ADMINISTER, (ADMIN_ACCESS, "Administer the platform", "플랫폼을 관리합니다"))
"""Each with its sentences in English and Korean; the scopes of these names say the same."""
ROLES = {
    ADMIN_ROLE: [name for name, *_ in PERMISSIONS],
    MEMBER_ROLE: [name for name, *_ in (*READ, *MANAGE) if name != "manage:teams"],
}
