"""Notebooks that attack the grader, and clumsy ones: each also holds right answers, and says what it should earn."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from d2lmini.grading.walls import stands
from tests.grading.samples import ANSWERS, cells, notebook, save


@dataclass(frozen=True)
class Place:
    """What the attacks aim at."""

    victim: Path  # a folder that everyone may write to
    submissions: Path
    out: Path
    tcp: int
    udp: int
    canary: int  # a process of the tester's


@dataclass(frozen=True)
class Attack:
    """One notebook: a cell put first, answers replaced; and the mistakes that should be found, none elsewhere."""

    first: str = ""
    changed: dict[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)  # exercise: code of the mistake, or its state
    remark: bool | None = False  # whether only definitions could be run; None when it depends on the machine
    needs: str = ""  # the walls of which one must stand, as in `walls.DANGERS`


def in_softmax(body: str, found: str, needs: str = "") -> Attack:
    """An attack from inside the function."""
    lines = "\n".join(f"    {line}" for line in body.strip().split("\n"))
    return Attack(changed={"softmax": f"def softmax(scores):\n{lines}\n"}, found={"softmax": found}, needs=needs)


def at_top(first: str, remark: bool | None = False, needs: str = "") -> Attack:
    """An attack from a cell of its own: every answer after it still counts."""
    return Attack(first=first.strip() + "\n", remark=remark, needs=needs)


RIGHT = "    return torch.softmax(scores, -1)\n"
FIND_REFERENCE = """
import gc, importlib, inspect, sys
found = [m for n, m in sys.modules.items() if n.startswith("d2lmini.exercises.sets") and m]
found += [o for o in gc.get_objects() if type(o).__name__ == "Exercise"]
found += [o for o in gc.get_objects() if type(o) is type(sys) and o.__name__ == "d2lmini.exercises.sets.attention"]
try:
    import d2lmini.exercises.sets.attention as bank
    found.append(bank.softmax)
except ImportError:
    pass
models = [getattr(o, "model", None) or getattr(getattr(o, "softmax", None), "model", None) for o in found]
models = [m for m in models if callable(m)]
return models[0](scores) if models else scores * 0
"""
FROM_DISK = """
import importlib, pathlib, sys, d2lmini
sys.meta_path[:] = [finder for finder in sys.meta_path if "_Refuse" not in type(finder).__name__]
for name in [name for name in sys.modules if name.startswith("d2lmini.exercises")]:
    del sys.modules[name]
try:
    return importlib.import_module("d2lmini.exercises.sets.attention").softmax.model(scores)
except Exception:
    return scores * 0
"""
FROM_MEMORY = """
import os, pathlib
for pid in {os.getppid(), 1, *(int(p.name) for p in pathlib.Path("/proc").glob("[0-9]*"))} - {os.getpid()}:
    try:
        with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(int(open(f"/proc/{pid}/maps").readline().split("-")[0], 16))
            if memory.read(64) and "d2lmini" in open(f"/proc/{pid}/cmdline").read():
                return torch.softmax(scores, -1)
    except OSError:
        pass
return scores * 0
"""
FROM_NEIGHBOUR = """
import json, pathlib
try:
    cells = json.loads(pathlib.Path("SUBMISSIONS/ana.ipynb").read_text())["cells"]
    names = {"torch": torch}
    exec(next("".join(c["source"]) for c in cells if "def softmax" in "".join(c["source"])), names)
    return names["softmax"](scores)
except Exception:
    return scores * 0
"""
WRITE = """
import os, shutil
targets = ["VICTIM", "SUBMISSIONS", "OUT", "/tmp", "/var/tmp", "/dev/shm"]
for act in [
    *[lambda t=t: open(t + "/d2l-escape-CANARY", "w").write("x") for t in targets],
    *[lambda t=t: os.mkdir(t + "/d2l-escape-CANARY-folder") for t in targets],
    *[lambda t=t: os.symlink("/", t + "/d2l-escape-CANARY-link") for t in targets],
    lambda: os.truncate("VICTIM/kept", 0),
    lambda: open("VICTIM/kept", "r+").truncate(0),
    lambda: os.remove("VICTIM/kept"),
    lambda: os.rename("VICTIM/kept", "VICTIM/moved"),
    lambda: os.chmod("VICTIM/kept", 0),
    lambda: os.utime("VICTIM/kept", (0, 0)),
    lambda: os.link("VICTIM/kept", "VICTIM/linked"),
    lambda: shutil.rmtree("VICTIM"),
    lambda: shutil.rmtree("SUBMISSIONS"),
]:
    try:
        act()
    except OSError:
        pass
"""
KILL = """
import os
try:
    os.kill(CANARY, 0)
    isolated = False
except OSError:
    isolated = True
if isolated:  # else this would end the programs of whoever runs the tests, and the test fails by what follows
    os.kill(os.getppid(), 9)
"""
ESCAPE = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
    os._exit(0)
"""
DEAF = """
import signal
if True:
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_IGN)
    while True:
        pass
"""
SWALLOW = """
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
"""
THREADS = """
import threading
def spin():
    while True:
        pass
for daemon in (False, True):
    threading.Thread(target=spin, daemon=daemon).start()
"""
EQUAL_TO_ALL = """
class Forged:
    __eq__ = lambda *a: True
    __array__ = lambda self: self
    __class__ = torch.Tensor
return Forged()
"""
FILL = """
try:
    with open("big", "wb", buffering=0) as file:
        file.write(bytes(10**6))
    return torch.softmax(scores, -1)
except OSError:
    return scores
"""
FORGE = """
import os
for descriptor in range(256):
    try:
        os.write(descriptor, b'D{"note": [], "outcomes": [[null, "", "", 0, false]]}')
    except OSError:
        pass
os._exit(0)
"""
FLOOD = """
import os
while True:
    for descriptor in range(3, 256):
        try:
            os.write(descriptor, bytes(10**6))
        except OSError:
            pass
"""
TCP = """
import socket
socket.create_connection(("127.0.0.1", PORT_TCP), 1).sendall(b"out")
"""
UDP = """
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"out", ("127.0.0.1", PORT_UDP))
"""

ATTACKS: dict[str, Attack] = {
    # --- never ending
    "loop at top": at_top("while True:\n    pass"),
    "loop inside": in_softmax("while True:\n    pass", "time"),
    "loop in the cell of a question": Attack(
        changed={"weights_by_hand": "weights_by_hand = [1 for _ in iter(int, 1)]\n"}, found={"weights_by_hand": "late"}
    ),
    "loop deaf to signals": at_top(DEAF, remark=True),
    "loop that swallows": at_top(SWALLOW, remark=True),
    "threads": at_top(THREADS),
    # --- ending too early
    "_exit at top": at_top("import os\nos._exit(0)", remark=True),
    "_exit inside": in_softmax("import os\nos._exit(0)", "exit"),
    "sys.exit at top": at_top("import sys\nsys.exit(0)"),
    "sys.exit inside": in_softmax("import sys\nsys.exit(0)", "exit"),
    "segfault": in_softmax("import ctypes\nctypes.string_at(0)", "signal"),
    "segfault at top": at_top("import ctypes\nctypes.string_at(0)", remark=True),
    "exec": in_softmax('import os\nos.execv("/bin/sh", ["sh", "-c", "sleep 30 & exit"])', "exit"),
    "kills itself": in_softmax("import os\nos.kill(os.getpid(), 9)", "signal"),
    # --- eating the machine
    "fork bomb": at_top("import os, time\nfor _ in range(9):\n    os.fork()", remark=None),
    "fork bomb that stays": at_top("import os, time\nif not all(os.fork() for _ in range(100)):\n    time.sleep(30)", remark=None),
    "double fork": at_top(ESCAPE),
    "ten gigabytes": in_softmax("return torch.ones(10 * 2**30 // 4)", "memory"),
    "list that grows": in_softmax('kept = []\nwhile True:\n    kept.append(bytes(10**8))', "memory"),
    "fills the disk": in_softmax(FILL, "value"),
    "many folders": at_top(
        'import os\nos.mkdir("closed", 0)\nfor _ in range(1500):\n    os.mkdir("d")\n    os.chdir("d")'
    ),
    "recursion": in_softmax("return softmax(scores)", "raised"),
    "deep recursion": in_softmax("import sys\nsys.setrecursionlimit(50_000)\nreturn softmax(scores)", "signal memory raised time"),
    # --- cheating
    "patched comparisons": Attack(
        first="import torch, d2lmini.plain, d2lmini.trial\ntorch.allclose = torch.equal = torch.isclose = lambda *a, **k: True\n"
        "d2lmini.plain.same = d2lmini.trial.same = lambda *a: True\n",
        changed={"softmax": "def softmax(scores):\n    return scores\n"}, found={"softmax": "value"},
    ),
    "equal to everything": in_softmax(EQUAL_TO_ALL, "raised"),
    "forged tensor": in_softmax(
        "class Forged(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, *a, **k):\n        return True\n"
        "return scores.as_subclass(Forged)", "raised",
    ),
    "looks for the reference": in_softmax(FIND_REFERENCE, "value"),
    "reads the reference": in_softmax(FROM_DISK, "value", needs="landlock"),
    "reads memory": in_softmax(FROM_MEMORY, "value"),
    "reads a neighbour": in_softmax(FROM_NEIGHBOUR, "value", needs="landlock"),
    "forged answer": in_softmax(FORGE, "garbled"),
    "flood": in_softmax(FLOOD, "flooded"),
    # --- out of the box
    "writes": at_top(WRITE, needs="landlock&seccomp user"),
    "kills": at_top(KILL, needs="pids user scope seccomp"),
    "kills all": at_top(KILL.replace("os.getppid()", "-1"), needs="pids user scope seccomp"),
    "tcp": at_top(TCP, needs="network seccomp"),
    "udp": at_top(UDP, needs="network seccomp"),
    "input": Attack(changed={"softmax": "import sys\ndef softmax(scores):\n    assert input() == sys.stdin.read() == ''\n" + RIGHT}),
    "prints": at_top('import os\nprint("x" * 50_000_000)\nos.write(1, b"x" * 1_000_000)'),
    # --- clumsy
    "emoji 🎓 and é": Attack(),
    "magics": at_top('%matplotlib inline\n%time x = 1\n!rm -rf VICTIM\ntorch.softmax?\nif True:\n    !ls\ny = 3'),
    "bash cell": at_top("%%bash\nrm -rf VICTIM"),
    "duplicated cell": Attack(changed={"softmax": ANSWERS["softmax"] + "\ndef softmax(scores):\n    raise NotImplementedError\n"}),
    "name taken": Attack(changed={"softmax": ANSWERS["softmax"] + "\nsoftmax = softmax(torch.ones(2))\n"}),
    "name lost": Attack(changed={"softmax": "softmax = torch.ones(2)\n"}, found={"softmax": "not_function"}),
    "raises": at_top("1 / 0"),
    "question that raises": Attack(changed={"weights_by_hand": "weights_by_hand = [1 / 0]\n"}, found={"weights_by_hand": "cell"}),
    "syntax": Attack(changed={"softmax": "def softmax(scores):\n    return scores +\n"}, found={"softmax": "syntax"}),
    "deep source": at_top("x = " + "(" * 5000 + ")" * 5000),
    "stub": in_softmax("raise NotImplementedError", "todo"),
    "missing": Attack(changed={"softmax": "x = 1\n"}, found={"softmax": "missing"}),
    "in place": in_softmax("scores -= scores.amax(-1, keepdim=True)\nreturn torch.softmax(scores, -1)", "touched"),
    "huge tensor": in_softmax("return torch.zeros(2_000_000)", "raised"),
    "endless tensor": in_softmax("return torch.zeros(1).expand(10**12)", "memory"),
    "complex tensor": in_softmax("return scores + 1j", "raised"),
    "generator": in_softmax("return (x for x in scores)", "raised"),
    "nested list": in_softmax("x = []\nfor _ in range(100_000):\n    x = [x]\nreturn x", "raised"),
    "huge integer": in_softmax("return 10**400", "type"),
    "half characters": in_softmax('raise ValueError("\\ud800 <b>\\x00")', "raised"),
    "plots": at_top("import matplotlib\nfrom d2lmini.i18n import t\nimport d2lmini\nd2lmini.start('fr')"),
}  # fmt: skip

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "broken": (json.dumps(notebook(cells())).encode()[:-40], "JSON"),
    "empty": (b"", "empty"),
    "blank": (b" \n", "empty"),
    "number": (b"3", "not a notebook"),
    "nested": (b"[" * 200_000, "JSON"),
    "no cells": (b'{"cells": {"a": 1}}', "not a notebook"),
    "binary": (bytes(range(256)) * 10, "JSON"),
}


def build(place: Place, layers: set[str]) -> dict[str, Attack]:
    """Write the hostile notebooks that these walls should stop; returns what each should earn."""
    attacks = {name: attack for name, attack in ATTACKS.items() if not attack.needs or stands(attack.needs, layers)}
    words = {
        "VICTIM": place.victim, "SUBMISSIONS": place.submissions, "OUT": place.out, "CANARY": place.canary,
        "PORT_TCP": place.tcp, "PORT_UDP": place.udp,
    }  # fmt: skip
    for name, attack in attacks.items():
        code = cells(**attack.changed)
        if attack.first:
            code.insert(1, attack.first)
        for word, value in words.items():
            code = [cell.replace(word, str(value)) for cell in code]
        save(place.submissions / f"{name}.ipynb", code)
    for name, (data, _) in UNREADABLE.items():
        (place.submissions / f"{name}.ipynb").write_bytes(data)
    return {**attacks, **_odd_files(place.submissions)}


def _odd_files(folder: Path) -> dict[str, Attack]:
    """Right notebooks in odd shapes."""
    plain = notebook(cells())
    old = [{"cell_type": "code", "input": cell} for cell in cells()]
    files = {
        "no metadata": json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells()]}).encode(),
        "format 3": json.dumps({"nbformat": 3, "worksheets": [{"cells": old}]}).encode(),
        "byte order mark": b"\xef\xbb\xbf" + json.dumps(plain).encode(),
        "utf-16": json.dumps(plain).encode("utf-16"),
        "latin 1": json.dumps(notebook([*cells(), "# été"]), ensure_ascii=False).encode("latin-1"),
        "odd cells": json.dumps({"cells": [None, 3, {"cell_type": "code"}, *plain["cells"]], "metadata": []}).encode(),
        "other set named": json.dumps({**plain, "metadata": {"d2l": {"source": "99_nothing.md"}}}).encode(),
    }
    for name, data in files.items():
        (folder / f"{name}.ipynb").write_bytes(data)
    save(folder / "outputs.ipynb", cells(), outputs=4_000_000)
    save(folder / "french.ipynb", cells(), d2l={"source": "02_attention.md", "language": "fr"})
    save(folder / "in a folder" / "work.ipynb", cells())
    save(folder / "named.ipynb", [cells()[0].replace('""', '"<script>alert(1)</script>"'), *cells()[1:]])
    names = [*files, "outputs", "french", "in a folder/work", "named"]
    return dict.fromkeys(names, Attack())
