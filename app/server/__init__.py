"""What runs the portal: gunicorn's worker, log lines, and what is done beside the requests."""
