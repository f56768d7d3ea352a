"""Where the `gpuyard` command begins: Ctrl-C gets no traceback, not even while Python imports."""

import os
import sys


def main() -> None:
    """Run the command line."""
    try:
        from gpuyard.cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was left half-written\n")
        sys.stderr.flush()
        os._exit(130)
    run()
