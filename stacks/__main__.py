"""The program that Pulumi runs; `gpuyard plan` runs the very same one."""

from inference import build

build()
