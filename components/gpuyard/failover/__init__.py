"""When a cloud says no: what it meant, what is out until when, and what to try next."""
