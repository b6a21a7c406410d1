"""What import-linter, ruff and mypy do not see of how the house is built."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.store.statements import load_migrations, load_queries

ROOT = Path(__file__).parents[1]
STORE = ROOT / "services" / "store"
NO_PACKAGES = {"examples", "tests"}


def _packages() -> list[str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        packages: list[str] = tomllib.load(file)["tool"]["importlinter"]["root_packages"]
    return packages


def _modules(folder: Path) -> Iterator[Path]:
    """Yield the Python files in *folder*, but those in hidden folders such as ``.venv``."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith((".", "__pycache__")):
            yield from _modules(path)
        elif path.suffix == ".py":
            yield path


MODULES = {str(path.relative_to(ROOT)): path for name in _packages() for path in _modules(ROOT / name)}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def test_every_folder_with_code_is_known_to_the_import_contracts() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in _modules(ROOT)}
    assert folders - NO_PACKAGES == set(_packages())


def test_every_folder_of_a_package_is_a_package() -> None:
    """The import contracts do not look into a folder without ``__init__.py``."""
    folders = {parent for path in MODULES.values() for parent in path.parents if parent.is_relative_to(ROOT)} - {ROOT}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_the_process_has_one_global() -> None:
    rebound = {
        (name, bound)
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Global)
        for bound in node.names
    }
    assert rebound == {("services/calibration/manager.py", "_process_manager")}


@pytest.mark.parametrize("name", sorted(TREES))
def test_a_module_has_nothing_that_is_filled_later(name: str) -> None:
    """An empty container at a module's level is a cache or a registry: a global that changes."""
    filled_later = [
        ast.unparse(node)
        for node in TREES[name].body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _begins_empty(node.value)
    ]
    assert filled_later == []


def _begins_empty(value: ast.expr) -> bool:
    match value:
        case ast.Dict(keys=[]) | ast.List(elts=[]):
            return True
        case ast.Call(func=ast.Name(id=kind) | ast.Attribute(attr=kind), args=arguments):
            made = {"dict", "list", "set", "bytearray", "deque", "Counter", "OrderedDict"}
            return kind == "defaultdict" or kind.startswith("Weak") or (kind in made and not arguments)
    return False


@pytest.mark.parametrize("name", sorted(TREES))
def test_nothing_is_remembered_by_a_decorator(name: str) -> None:
    remembering = [
        node.name
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(word in ast.unparse(decorator) for decorator in node.decorator_list for word in ("lru_cache", "cache"))
    ]
    assert remembering == []


# SQL.


def _queries_asked_for() -> set[str]:
    """Return by which names the store asks: ``.one("``, ``.all("``, ``.many("`` and ``load_queries()["``."""
    nodes = [node for name, tree in TREES.items() if MODULES[name].parent == STORE for node in ast.walk(tree)]
    subscripts = [node for node in nodes if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)]
    return {str(ast.literal_eval(node.slice)) for node in subscripts if ast.unparse(node.value) == "load_queries()"} | {
        node.args[0].value
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"one", "all", "many"}
        if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    }


def test_every_query_is_asked_for_and_every_one_asked_for_is_there() -> None:
    assert _queries_asked_for() == set(load_queries())


def test_every_sql_file_is_read() -> None:
    queries = {path.name for path in STORE.glob("queries/*.sql")}
    migrations = sorted(path.name for path in STORE.glob("migrations/*.sql"))
    everywhere = {path for path in ROOT.rglob("*.sql") if not path.relative_to(ROOT).parts[0].startswith(".")}
    assert {path.parent for path in everywhere} == {STORE / "queries", STORE / "migrations"}
    assert all((STORE / "queries" / name).read_text(encoding="utf-8").startswith("-- name: ") for name in queries)
    assert len(load_migrations()) == len(migrations)
    assert migrations == [f"{number:04}.sql" for number in range(1, len(migrations) + 1)], "none is missing"


def test_no_sql_stands_in_the_code() -> None:
    spelled = [
        f"{name}: {node.value[:60]}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith(("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "ALTER ", "DROP "))
    ]
    assert spelled == []
