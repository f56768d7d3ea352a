"""Where kubectl looks for its config."""

import os
from pathlib import Path


def kubeconfig_path(given: str = "") -> Path:
    """The kubeconfig file that kubectl would use: the one given, ``$KUBECONFIG``'s first, the home folder's."""
    if given:
        return Path(given).expanduser()
    listed = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return Path(listed[0]) if listed else Path("~/.kube/config").expanduser()
