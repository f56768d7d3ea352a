"""The program that Pulumi runs; `gpuyard plan` runs the very same one."""

from gpuyard.inputs import errors_without_traceback
from inference import build

with errors_without_traceback():
    build()
