#!/usr/bin/env bash
# Puts a finished site on the branch that GitHub Pages shows (Settings > Pages > Deploy from a branch > gh-pages).
#
#   publish.sh site SITE           the whole site, beside the previews that are there
#   publish.sh preview N SITE      a pull request's site, under preview/N/
#   publish.sh forget N            removes that preview
#
# The branch has a single commit, so it stays small. Run it in a clone that may push.
set -euo pipefail

do=$1; shift
number=""
[ "$do" = site ] || { number=$1; shift; [[ $number =~ ^[0-9]+$ ]] || { echo "expected a number, got $number" >&2; exit 2; }; }
site=${1:+$(cd "$1" && pwd)}

pages=$(mktemp -d)
trap 'git worktree remove --force "$pages"' EXIT
git worktree add --quiet --detach "$pages"
there=$(git ls-remote --heads origin gh-pages | cut -f1)
[ -z "$there" ] || git fetch --quiet origin gh-pages
cd "$pages"
git rm --quiet -r --force .
[ -z "$there" ] || git checkout --quiet "$there" -- .

case $do in
  site) find . -mindepth 1 -maxdepth 1 ! -name .git ! -name preview -exec rm -rf {} +; cp -R "$site/." . ;;
  preview) rm -rf "preview/$number"; mkdir -p "preview/$number"; cp -R "$site/." "preview/$number" ;;
  forget) rm -rf "preview/$number" ;;
  *) echo "expected site, preview or forget, got $do" >&2; exit 2 ;;
esac
touch .nojekyll
git add --all --force
export GIT_AUTHOR_NAME=publish GIT_AUTHOR_EMAIL=publish@users.noreply.github.com
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
git push --quiet --force origin "$(git commit-tree "$(git write-tree)" -m "Publish $do $number"):refs/heads/gh-pages"
