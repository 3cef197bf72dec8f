#!/usr/bin/env bash
# Pushes each student's page, and no other, into the branch `grades` of their own repository.
set -euo pipefail
server="${SERVER:-https://github.com}"
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=grades GIT_AUTHOR_EMAIL=grades@localhost GIT_COMMITTER_NAME=grades GIT_COMMITTER_EMAIL=grades@localhost
if [ -n "${TOKEN:-}" ]; then
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$server/.extraheader"
  GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$TOKEN" | base64 -w 0)"
  export GIT_CONFIG_VALUE_0
fi
failed=0
while IFS=, read -r -u 3 login repository commit _; do
  case "$login" in login | "") continue ;; esac
  page="pages/submissions/$login.html"
  if [ -z "$commit" ] || ! [ -f "$page" ]; then continue; fi
  folder=$(mktemp -d)
  git -c init.defaultBranch=grades init -q --template= "$folder"
  cp "$page" "$folder/grade.html"
  cp "pages/summaries/$login.md" "$folder/README.md"
  git -C "$folder" add README.md grade.html
  git -C "$folder" commit -q -m "Grade of $commit"
  if ! git -C "$folder" push -q --force "$server/$repository" HEAD:refs/heads/grades; then
    echo "::warning title=Pages::$login has no page: $repository takes no push"
    failed=1
  fi
  rm -rf "$folder"
done 3< commits.csv
[ "$failed" = 0 ]
