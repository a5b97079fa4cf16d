"""What leaves the portal: mails to people, notices to applications, and how mails look. For ``admin:system``."""

from app.admin.delivery import templates
from app.admin.delivery.mail import mail_desk
from app.admin.delivery.notices import notices_desk

PARTS = (templates,)
DESKS = (mail_desk, notices_desk)
