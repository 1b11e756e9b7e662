"""What tools say of a program's file."""

import re
import subprocess


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def sections(program):
    """Begin and end of each section, by name."""
    rows = re.findall(r"\] (\.\S+) +\S+ +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+)", run("readelf", "-SW", program))
    return {name: (int(begin, 16), int(begin, 16) + int(size, 16)) for name, begin, size in rows}
