"""What is made of Lighthouse's reports, and the server that it loads the pages from."""
import gzip
import urllib.error
import urllib.request

import pytest

from benchmarks import lighthouse


def report(performance=0.9, accessibility=1, failing=(), paint=1000):
    audits = {key: {"numericValue": paint, "score": 1} for key in lighthouse.METRICS.values()}
    audits |= {name: {"score": int(name not in failing)} for name in ("image-alt", "color-contrast", "unweighted")}
    refs = [{"id": "image-alt", "weight": 10}, {"id": "color-contrast", "weight": 7}, {"id": "unweighted", "weight": 0}]
    categories = {name: {"score": 1, "auditRefs": refs} for name in lighthouse.GOALS}
    categories["performance"]["score"], categories["accessibility"]["score"] = performance, accessibility
    return {"categories": categories, "audits": audits}


def test_performance_is_the_median_and_every_other_score_the_worst():
    reports = [report(0.99, paint=900), report(0.5, 0.96, ["image-alt"], paint=4000), report(0.97, paint=1000)]
    found = lighthouse.figures(reports)
    assert found["performance"] == 97 and found["performance_of_runs"] == [50, 97, 99]
    assert found["accessibility"] == 96 and found["seo"] == 100
    assert found["first_contentful_paint_ms"] == 1000
    assert found["faults"] == ["image-alt"]


def test_goals():
    assert lighthouse.reaches(lighthouse.figures([report(0.95)]))
    assert not lighthouse.reaches(lighthouse.figures([report(0.94)]))
    assert not lighthouse.reaches(lighthouse.figures([report(0.99, accessibility=0.99)]))


def test_text_is_served_compressed_and_pictures_as_they_are(tmp_path):
    (tmp_path / "page.html").write_text("word " * 100)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    with lighthouse.served(tmp_path) as address:
        with urllib.request.urlopen(f"{address}page.html") as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert gzip.decompress(answer.read()) == b"word " * 100
        with urllib.request.urlopen(f"{address}picture.png") as answer:
            assert answer.headers["Content-Encoding"] is None and answer.read() == b"\x89PNG"
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{address}nothing.html")
