"""The text of a widget's script, and the element in which it shows its view."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from drawer_ipy.display import script as script_module
from drawer_ipy.display.script import ENDED, MOUNT, mount_html, script
from drawer_ipy.style.html_frame import UNTOUCHED

HERE = Path(script_module.__file__).parent


def write(folder: Path, **modules: str) -> None:
    for name, text in modules.items():
        path = folder / f"{name.replace('__', '/')}.js"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def test_a_module_comes_after_its_imports_and_each_comes_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        sub__top='import { a } from "../a.js";\nimport {\n  b,\n} from "./b.js";\nexport default a + b;\n',
        sub__b='import { a } from "../a.js";\nexport const b = a + 1;\n',
        a="export const a = 1;\n",
    )
    joined = script(tmp_path / "sub" / "top.js")
    assert joined == "export const a = 1;\n\nexport const b = a + 1;\n\nexport default a + b;\n"


def test_modules_that_import_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path, a='import { b } from "./b.js";\n', b='import { a } from "./a.js";\n')
    with pytest.raises(ValueError, match="imports itself"):
        script(tmp_path / "a.js")


@pytest.mark.parametrize("path", sorted(HERE.rglob("*.js")), ids=lambda path: path.name)
def test_every_script_is_one_module_without_imports(path: Path, tmp_path: Path) -> None:
    joined = script(path)
    assert not re.search(r"^\s*import\b|\bimport\(", joined, re.MULTILINE)
    names = re.findall(r"^(?:export )?(?:async )?(?:const|let|class|function) (\w+)", joined, re.MULTILINE)
    assert len(names) == len(set(names))
    node = shutil.which("node")
    if node is not None:
        (tmp_path / "joined.mjs").write_text(joined)
        subprocess.run([node, "--check", tmp_path / "joined.mjs"], check=True)


def test_the_element_of_a_view_has_its_model_in_a_class() -> None:
    assert mount_html("a1", "<b>x</b>", css="drawer-ended") == (
        '<div class="drawer-mount drawer-a1 drawer-ended mathjax_ignore tex2jax_ignore"><b>x</b></div>'
    )


def test_scripts_write_each_shared_class_once_and_as_the_kernel_does() -> None:
    for module, name, value in (
        ("elements.js", "UNTOUCHED", UNTOUCHED),
        ("mount.js", "MOUNT", MOUNT),
        ("mount.js", "ENDED", ENDED),
    ):
        written = {
            path.name: path.read_text().count(f'"{value}"')
            for path in HERE.rglob("*.js")
            if f'"{value}"' in path.read_text() or (name == "UNTOUCHED" and value in path.read_text())
        }
        assert written == {module: 1}
        assert f'export const {name} = "{value}";' in (HERE / module).read_text()
