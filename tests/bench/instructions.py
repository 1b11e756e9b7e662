"""Called by tests/bench/instructions: PROGRAM, and --set to write the budget down anew."""

import os, re, subprocess, sys, tempfile
from importlib.machinery import SourceFileLoader
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
bench = SourceFileLoader("bench", str(HERE / "run")).load_module()
BUDGET = HERE / "budget.txt"
SLACK = 1.05


def count(program, args, env):
    """Instructions in user space, those of the dynamic loader included."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, *args]
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stderr
    return int(re.search(r"Collected : (\d+)", said)[1])


def main():
    program, write = sys.argv[1], sys.argv[2:] == ["--set"]
    # The path of the folder is of the same length every time.
    with tempfile.TemporaryDirectory(prefix="bench", dir="/tmp") as folder:
        world = bench.World(Path(folder))
        world.fill(program)
        # What an unnamed profile means is remembered apart.
        subprocess.run([program, "get"], env=world.plain, check=True, stdout=subprocess.DEVNULL)
        plain, environment = ({**env, "PATH": "/usr/bin:/bin"} for env in (world.plain, world.environment))
        found = {
            "get crm": count(program, ["get", "crm"], plain),
            "get": count(program, ["get"], plain),
            "get -o json, environment": count(program, ["get", "-o", "json"], environment),
        }
    static = "static" if b"ld-linux" not in Path(program).read_bytes()[:4096] else "dynamic"
    names = {f"{static} {name}": n for name, n in found.items()}
    budget = dict(re.findall(r"^([^#].*?)\s+(\d+)$", BUDGET.read_text(), re.M)) if BUDGET.exists() else {}
    if write:
        budget |= {name: str(n) for name, n in names.items()}
        words = "# Instructions of a warm call (callgrind), counted by tests/bench/instructions; over 5 % more fails.\n"
        BUDGET.write_text(words + "".join(f"{name:36}{n}\n" for name, n in sorted(budget.items())))
        return 0
    over = 0
    for name, n in names.items():
        allowed = int(int(budget.get(name, 0)) * SLACK)
        print(f"{name}: {n} instructions, at most {allowed}")
        over += n > allowed
    return 1 if over else 0


sys.exit(main())
