"""From a demand to the ladder of places that meet it, and the lock that keeps it."""
