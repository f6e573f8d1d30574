"""A book of a page or two, built in a folder, to try an extension of the course's book."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from .test_extensions import EXTENSIONS


def build_small(folder: Path, **settings) -> str:
    """Builds folder/out from the pages in the folder; returns the warnings."""
    warnings, out = StringIO(), folder / "out"
    with pytest.MonkeyPatch.context() as patch, patch_docutils(), docutils_namespace():
        patch.syspath_prepend(str(EXTENSIONS))
        Sphinx(folder, None, out, out / ".doctrees", "html", settings | {"html_theme": "basic"}, status=None,
               warning=warnings).build()
    return warnings.getvalue()
