"""Live look-ups at the clouds; called by the command line only, and only to write files."""
