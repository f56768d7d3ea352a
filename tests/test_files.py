"""Files are written whole or not at all, and never in place of what is no file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpuyard.errors import SpecError
from gpuyard.files import write_atomically


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_pipe_is_written_into(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
    write_atomically(pipe, "through")
    assert reader.communicate(timeout=10)[0] == "through"
    assert pipe.is_fifo()


def test_what_cannot_be_encoded_leaves_nothing_behind(tmp_path):
    with pytest.raises(UnicodeEncodeError):
        write_atomically(tmp_path / "file", "half \ud800")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_refused_with_a_way_out(tmp_path):
    with pytest.raises(SpecError, match="name a file in it"):
        write_atomically(tmp_path, "text")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [["--help"], ["catalog", "show", "gpus.csv"]])
def test_a_full_disk_is_said_and_no_success(arguments):
    with Path("/dev/full").open("w") as full:
        command = [Path(sys.executable).with_name("gpuyard"), *arguments]
        done = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert "cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
