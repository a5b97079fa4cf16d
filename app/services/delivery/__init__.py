"""What leaves the portal: the queue in the database, mails to people, notices of a logout to applications."""
