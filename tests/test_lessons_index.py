"""The index of the lessons, the glossary and the guide. Oracle: the notebooks themselves."""

import re

import pytest

from ionlab.course import contract, lessons, student

INDEX = (lessons.NOTEBOOKS / "README.md").read_text(encoding="utf-8")
GUIDE = (lessons.NOTEBOOKS / "instructor.md").read_text(encoding="utf-8")
GLOSSARY = (lessons.NOTEBOOKS / "glossary.md").read_text(encoding="utf-8")
EVERY = lessons.lessons()
LESSONS = [lesson for lesson in EVERY if lesson.number]
LISTED = re.findall(r"^### \[(.+?)\]\((\w+\.ipynb)\)\n(.*?)(?=^##|\Z)", INDEX, re.M | re.S)
NAMED = [lesson.name for lesson in LESSONS]


def plain(text):
    """Markdown without links and line ends.

    >>> plain("lessons [3](a.ipynb) and\\n[4](b.ipynb).")
    'lessons 3 and 4.'
    """
    return " ".join(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).split())


def questions(lesson):
    """What a lesson asks but for exercises, in its order: Predict, Explore 5.2, Think 5.3."""
    texts = [cell.source for cell in lesson.read().cells if cell.cell_type == "markdown"]
    lines = [line for text in texts for line in text.splitlines() if not line.startswith("|")]
    return re.findall(
        r"(?:^###? |\*\*)(Predict|(?:Explore|Think) \d+\.\d+)", "\n".join(lines), re.MULTILINE
    )


# --- the index ---------------------------------------------------------------------------


def test_every_notebook_is_listed_once_and_in_order():
    assert [file for _, file, _ in LISTED] == [lesson.path.name for lesson in EVERY]


@pytest.mark.parametrize("place", range(len(EVERY)), ids=[lesson.name for lesson in EVERY])
def test_an_entry_has_the_title_of_its_lesson(place):
    assert LISTED[place][0] == EVERY[place].title


@pytest.mark.parametrize("place", range(len(LESSONS)), ids=NAMED)
def test_an_entry_agrees_with_its_lesson(place):
    """Minutes, seconds and what comes before, and the question, word by word."""
    notebook = LESSONS[place].read()
    (goals,) = lessons.tagged(notebook, "goals")
    times, told = (plain(part) for part in LISTED[place][2].strip().split("\n\n"))
    assert times == plain(goals.source[goals.source.index("Reading:") :])
    question = re.search(r"\*\*.+?\*\*", notebook.cells[1].source, re.DOTALL).group()
    assert told.startswith(plain(question) + " You move ")
    assert " Afterwards you can " in told
    assert 30 <= len(told.split()) <= 110, "a paragraph"


@pytest.mark.parametrize("name", ["README.md", "glossary.md", "instructor.md"])
def test_the_texts_have_no_broken_link(name):
    path = lessons.NOTEBOOKS / name
    assert contract.text_problems(path.read_text(encoding="utf-8"), path) == []


def test_students_get_the_index_without_the_guide():
    names = {path.name for path in student.texts()} | {lesson.path.name for lesson in EVERY}
    assert "instructor.md" not in names and {"README.md", "glossary.md"} <= names
    assert "instructor.md" in INDEX and "instructor.md" not in student.unlinked(INDEX, names)


# --- the glossary ------------------------------------------------------------------------


def terms():
    """Part -> its terms."""
    parts = re.split(r"^## (.+)\n", GLOSSARY, flags=re.MULTILINE)[1:]
    return {
        part: re.findall(r"^### (.+)$", text, re.MULTILINE)
        for part, text in zip(parts[::2], parts[1::2], strict=True)
    }


def test_terms_are_in_order_and_none_stands_twice():
    assert list(terms()) == ["Electrophysiology", "Machine learning", "Computing"]
    for part in terms().values():
        assert part == sorted(part)
    every = sum(terms().values(), [])
    assert len(every) == len(set(every)) > 100


def test_terms_are_their_own_anchors():
    """In lower case: GitHub makes anchors so, JupyterLab leaves them as the heading is."""
    for term in sum(terms().values(), []):
        assert re.fullmatch(r"[a-z0-9']+([ -][a-z0-9]+)*", term), term


def test_terms_are_spelled_in_one_way():
    assert not re.search(r"iz(ation|ed?|ing)\b", GLOSSARY.replace("size", ""))


# --- the guide ---------------------------------------------------------------------------


def chapter(lesson):
    """What the guide says of a lesson."""
    found = re.search(
        rf"^### {re.escape(lesson.title)}\n(.*?)(?=^##|\Z)", GUIDE, re.MULTILINE | re.DOTALL
    )
    assert found, f"the guide has no answers of {lesson.title}"
    return found.group(1)


@pytest.mark.parametrize("lesson", LESSONS, ids=NAMED)
def test_the_guide_answers_every_question(lesson):
    answered = re.findall(r"^- \*\*(Predict|(?:Explore|Think) \d+\.\d+)", chapter(lesson), re.M)
    asked = questions(lesson)
    assert [name for name in answered if name != "Predict"] == [
        name for name in asked if name != "Predict"
    ]
    assert answered.count("Predict") == asked.count("Predict")


def test_the_guide_comes_in_the_order_of_the_lessons():
    headings = re.findall(r"^### (\d+\. .+)$", GUIDE, re.MULTILINE)
    assert headings == [lesson.title for lesson in LESSONS]


def test_the_lecture_shows_sections_that_exist():
    shown = re.findall(r"^\| \d+-\d+ \| (\d+), (.*?) \|", GUIDE, re.MULTILINE)
    assert len(shown) >= 5
    for number, text in shown:
        cells = lessons.find(number).read().cells
        headings = re.findall(r"^##+ (.+)$", "\n".join(cell.source for cell in cells), re.M)
        headings = [heading.replace("$\\eta$", "eta") for heading in headings]
        for section in re.findall(r"\*(.+?)\*", text):
            assert any(heading.startswith(section) for heading in headings), (number, section)
