"""What the README shows is run as it stands there."""

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"


@pytest.mark.slow
def test_the_pipeline_of_the_readme_runs_and_names_the_current(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    exec(compile(code, str(README), "exec"), names)  # a document, not a configuration
    found = names["found"]
    assert found.changed == ("I_Kr",)
    assert found.currents[0].ratio == pytest.approx(0.5, abs=0.025)
    assert names["I_Kr"].max() > 0.1  # pA/pF
    assert "I_Kr" in capsys.readouterr().out
