"""The whole article: each of its sections, each thing that it names and each of its errors has its place in the course."""
import ast
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in BOOK.glob("*.md")}
MAP = PAGES["article_map.md"]
STATEMENTS = range(1, 79)  # of the article that are corrected, labelled c-1 to c-78
SECTIONS = """
1 1.1 1.2 1.3 1.4 1.4.1 1.4.2 1.4.3 2 2.1 2.2 2.3 3 3.1 3.1.1 3.1.2 3.2 4 4.1 4.1.1 4.1.2 4.2 4.2.1 4.2.2 4.3
5 5.1 5.2 5.3 6 7 7.1 7.1.1 7.1.2 7.1.3 7.2 7.2.1 7.2.2 7.2.3 7.3 7.3.1 7.3.2 7.3.3 8 9 9_Q1 9_Q2 9_Q3 9_Q4 10
""".split()
NAMED = """
GAN|autoencoder|CNN|DCGAN|CycleGAN|cGAN|AEGAN|InfoGAN|StyleGAN2|VideoGAN|data cleaning|data augmentation|BCELoss|Adam
denoising|colour correction|gradient clipping|learning rates|weights of losses|batch normalisation|noise|mode collapse
batch size|accuracy|Inception Score|interpretability|privacy|copyright|GPU|TPU|PyTorch|TensorFlow|TensorBoard|Nsight
ImageFolder|save_image|PyCharm|VS Code|conda|Mermaid|fast.ai|Medium|Coursera|Udacity
""".strip().replace("\n", "|").split("|")
# Terms of the article: those of its section 1.4, then others that it uses.
TERMS = """
短视频生成AI 生成模型 卷积神经网络 生成对抗网络 数据增强 特征提取 超参数 过拟合 人工智能 机器学习
数据预处理 数据清洗 后处理 去噪 色彩校正 自编码器 生成器 判别器 卷积 池化 全连接层 损失函数 交叉熵 学习率
批归一化 批量大小 梯度裁剪 模式崩溃 噪声 图像修复 可解释性 数据隐私
""".split()
ABBREVIATIONS = "GAN CNN AI ML".split()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading of the map."""
    lines = MAP.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][2:]


def anchors(page: str) -> set[str]:
    """What a link can lead to on a page: its headings, as MyST names them, and its labels."""
    text = re.sub(r"^(```+).*?^\1$", "", PAGES[page], flags=re.M | re.S)
    headings = re.findall(r"^#{1,3} (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower().replace(" ", "-")) for title in headings} | labels(page)


def labels(page: str) -> set[str]:
    """Targets that a page sets: (name)=."""
    return set(re.findall(r"^\((.+)\)=$", PAGES[page], re.M))


def referred(pages: list[str]) -> set[str]:
    """Labels that these pages point to."""
    return {name for page in pages for name in re.findall(r"\{ref\}`[^`]*?<([^>`]+)>`|\]\(#([\w-]+)\)", PAGES[page])
            for name in name if name}


def defined(name: str) -> bool:
    """Whether code of that name exists: a module of solutions or something in it, or a public name of a package."""
    parts = name.split(".")
    for end in (len(parts), len(parts) - 1):
        path = (ROOT / "solutions").joinpath(*parts[:end]).with_suffix(".py") if end else ROOT
        if path.is_file():
            body = ast.parse(path.read_text(encoding="utf-8")).body
            return parts[end:] in [[], *([getattr(node, "name", None)] for node in body)]
    return importlib.util.find_spec(name) is not None if parts[0] != "clipkit" else name.removeprefix("clipkit.") in exported()


def exported() -> list[str]:
    import clipkit

    return clipkit.__all__


def test_every_section_of_the_article_has_its_row():
    assert [row[0].replace(" ", "_") for row in rows("Sections")] == SECTIONS


def test_every_row_leads_somewhere():
    for number, heading, place in rows("Sections"):
        assert heading and re.search(r"\]\(\w+\.md", place), number


@pytest.mark.parametrize("page", ["article_map.md", "debugging_guide.md", "faq.md", "resources.md", "student_guide.md"])
def test_links_lead_to_pages_and_headings_that_exist(page):
    for target, _, anchor in re.findall(r"\]\(([\w.]*\.md)?(#([\w.-]+))?\)", PAGES[page]):
        assert not target or target in PAGES, target
        if anchor and target:
            assert anchor in anchors(target), f"{target}#{anchor}"
        elif anchor:
            assert anchor in anchors(page) or any(anchor in labels(other) for other in PAGES), anchor


def test_nothing_that_the_article_names_is_only_named():
    names = " | ".join(row[0] for row in rows("What it names"))
    assert not [name for name in NAMED if name not in names]
    for name, place, code in rows("What it names"):
        taught = code and ("](" in place or "every chapter" in place or "{ref}" in place)
        assert taught or re.search(r"not used: .+|replaced by .+|\]\((student_guide|resources)\.md", place), name


def test_the_code_that_the_map_names_exists():
    named = [name for row in rows("What it names") for name in re.findall(r"`([\w.]+)`", row[2])]
    assert len(named) > 40
    assert not [name for name in named if not defined(name)]


def test_every_wrong_statement_has_one_correction():
    found = sorted(int(n) for page in PAGES for n in re.findall(r"^\(c-(\d+)\)=$", PAGES[page], re.M))
    assert found == list(STATEMENTS)


def test_every_correction_is_met_where_its_subject_is_taught():
    elsewhere = referred([page for page in PAGES if page not in ("corrections.md", "article_map.md")])
    assert [n for n in STATEMENTS if f"c-{n}" not in elsewhere] == []


def test_every_reference_to_a_correction_leads_to_one():
    known = labels("corrections.md")
    assert {name for name in referred(list(PAGES)) if re.fullmatch(r"c-\d+", name)} <= known


def test_the_glossary_has_the_articles_terms_in_both_languages():
    terms = re.findall(r"^(\S.*) · (.+)$", PAGES["glossary.md"], re.M)
    chinese = " ".join(term for _, term in terms)
    assert not [term for term in TERMS if term not in chinese]
    english = " ".join(term for term, _ in terms)
    assert not [short for short in ABBREVIATIONS if not re.search(rf"\b{short}\b", english)]
    assert [term.lower() for term, _ in terms] == sorted((term.lower() for term, _ in terms))
