#!/bin/sh
# The README's tour on this machine alone: an environment repo, a release, its promotion, and the way back.
#   sh tests/tour.sh FOLDER KEY      with `taxiway` on PATH; FOLDER.git becomes the remote
set -eu
folder=$1 key=$2 remote=$1.git

say() { printf '\n$ %s\n' "$*"; "$@"; }

say taxiway init "$folder" --yes --new-sealing-key "$key" \
  --repo https://git.example.com/acme/airflow-environments.git
if [ -d "$remote" ]; then
  echo "The tour was made already; make clean begins anew."
  exit 0
fi

# A folder in place of a forge: what would be a pull request is a branch there.
git init --quiet --bare --initial-branch="$(git -C "$folder" branch --show-current)" "$remote"
cd "$folder"
git remote set-url origin "$(cd "$remote" && pwd)"
git push --quiet --set-upstream origin HEAD

merge() {
  git fetch --quiet origin
  branch=$(git branch --remotes --list "origin/taxiway/$1-*" --format '%(refname:short)')
  say git merge --quiet --no-ff --no-edit "$branch"
  git push --quiet origin HEAD ":${branch#origin/}"
}

echo
echo "A newer Airflow for dev, which is committed and pushed:"
say taxiway set image airflow=apache/airflow:3.3.3
git push --quiet
echo
echo "The same for complete, in one reviewed pull request. Its text:"
say taxiway promote complete --dry-run
say taxiway promote complete
merge promote
say taxiway env list
echo
echo "And back again; complete is on hold then, so that no promotion undoes it:"
say taxiway rollback complete --reason "tasks hang"
merge rollback
say taxiway env list
say taxiway validate
