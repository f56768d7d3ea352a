"""What this machine and these credentials can do."""
