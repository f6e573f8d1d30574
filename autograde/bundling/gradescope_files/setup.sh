#!/usr/bin/env bash
# Gradescope runs this once, as root, when the autograder is built: Python 3.11.5 or later, and what grading needs, in a folder
# that every user may read; this course stays where only root may.
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${COURSE_PYTHON_FOLDER:-/opt/course}
export DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

apt-get update -q
if python3 -c 'import sys; sys.exit(sys.version_info < (3, 11, 5))' 2>/dev/null; then
  apt-get install -qy --no-install-recommends python3-venv libseccomp2 >/dev/null
  python3 -m venv "$target"
else  # Ubuntu 22.04 has 3.10, and a 3.11 that is older than what packages ask for
  apt-get install -qy --no-install-recommends python3-pip libseccomp2 >/dev/null
  python3 -m pip install -q uv
  UV_PYTHON_INSTALL_DIR=$target-python python3 -m uv venv -q --seed --managed-python --python 3.12 "$target"
fi
pip() { "$target/bin/python" -m pip -q "$@"; }
# PyTorch without CUDA where its own index can be reached, as on Gradescope; else what pip is set to
pip install -r "$source/torch.txt" --index-url https://download.pytorch.org/whl/cpu --retries 1 2>/dev/null ||
  pip install -r "$source/torch.txt"
pip install -r "$source/requirements.txt" -c "$source/constraints.txt"
pip install --no-deps --no-build-isolation "$source/clipkit" 2>/dev/null || pip install --no-deps "$source/clipkit"

chmod -R go-rwx "$source"
chmod -R go+rX "$target" "$target-python"* 2>/dev/null || true
# What is compiled now need not be for each submission
PYTHONPATH=$source/course "$target/bin/python" -m compileall -q "$source/course/autograde" "$source/course/solutions" "$target/lib" || true
PYTHONPATH=$source/course "$target/bin/python" -m autograde doctor || true
