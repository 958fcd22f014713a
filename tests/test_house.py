"""The house keeps its promises: one set of pins, small files, light imports, nothing stale or foreign in git."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
MODULES = [ROOT / name for name in TRACKED if re.match(r"(d2lmini|book)/.*\.py$", name) and (ROOT / name).exists()]


def pins() -> dict[str, list[Requirement]]:
    lock: dict[str, list[Requirement]] = {}
    for line in (ROOT / "requirements.lock.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            lock.setdefault(requirement.name.lower(), []).append(requirement)
    return lock


def test_every_dependency_is_pinned_within_its_bounds():
    lock = pins()
    wanted = [*PROJECT["dependencies"], *(r for extra in PROJECT["optional-dependencies"].values() for r in extra)]
    for requirement in map(Requirement, wanted):
        found = lock.get(requirement.name.lower())
        assert found, f"{requirement.name} is in pyproject.toml but not in requirements.lock.txt: run make lock"
        for pin in found:
            assert requirement.specifier.contains(str(pin.specifier)[2:]), f"{pin} does not satisfy {requirement}"


def test_what_runs_is_what_the_lock_says():
    from importlib.metadata import version

    wrong = {
        str(pin): version(pin.name)
        for found in pins().values()
        for pin in found
        if pin.name.lower() in {Requirement(r).name.lower() for r in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["course"]}
        and (pin.marker is None or pin.marker.evaluate())
        and not pin.specifier.contains(version(pin.name))
    }
    assert not wrong


def test_environment_yml_is_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert pip == ["-r requirements.lock.txt", "-e ."]
    (python,) = [d for d in environment["dependencies"] if str(d).startswith("python=")]
    assert Requirement("python" + PROJECT["requires-python"]).specifier.contains(python.removeprefix("python="))


def test_importing_the_package_stays_light():
    heavy = "matplotlib IPython anywidget transformers sklearn"
    code = f"import d2lmini, d2lmini.training, d2lmini.interop, sys; print([m for m in {heavy.split()} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_short_and_documented(module):
    source = module.read_text("utf8")
    tree = ast.parse(source)
    assert source.count("\n") <= 400
    if source.strip():
        first = (ast.get_docstring(tree) or "").split("\n")[0]
        assert first.endswith((".", "?")), "the first docstring says in one line what the file holds"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno <= 45, f"{node.name} has {node.end_lineno - node.lineno} lines"


def test_git_holds_nothing_heavy_generated_elsewhere_or_private():
    for name in filter(lambda name: (ROOT / name).is_file(), TRACKED):
        assert (ROOT / name).stat().st_size <= 1_500_000, f"{name} is over 1.5 MB"
        assert not re.search(r"(^|/)(build|_build|node_modules|__pycache__|\.venv)/|\.(pyc|log|draft)$", name), f"{name} is generated"
    machine = re.compile(r"(?<![\w.])/(?:root|work|home)/\w")
    for name in TRACKED:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".yml", ".mjs", ".js", ".ipynb", ".cfg", ""} and path.is_file():
            assert not machine.search(path.read_text("utf8")), f"{name} holds a path of one machine"


def test_all_notebooks_together_stay_small():
    assert sum((ROOT / name).stat().st_size for name in TRACKED if name.endswith(".ipynb") and (ROOT / name).exists()) <= 25_000_000


def test_two_notebooks_at_once_do_not_starve_each_other():
    code = "import d2lmini, os; print(os.environ['OMP_WAIT_POLICY'])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "PASSIVE"
