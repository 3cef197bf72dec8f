#!/usr/bin/env bash
# Clones each repository of students.csv into class/, at the last commit before the deadline, and lists the commits in commits.csv.
# Nothing of a repository is executed: no hooks, filters, submodules or links.
set -euo pipefail
: "${DUE:?set the variable DUE to the deadline, as 2026-12-01T23:59:00+01:00}"
server="${SERVER:-https://github.com}"
export GIT_TERMINAL_PROMPT=0 GIT_LFS_SKIP_SMUDGE=1 GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
if [ -n "${TOKEN:-}" ]; then  # in the environment alone, so that no clone keeps it
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$server/.extraheader"
  GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$TOKEN" | base64 -w 0)"
  export GIT_CONFIG_VALUE_0
fi
safe=(-c core.hooksPath=/dev/null -c core.symlinks=false -c core.fsmonitor=false -c advice.detachedHead=false)
rm -rf class
twice=$(cut -d, -f1 students.csv | tr -d '\r' | tr '[:upper:]' '[:lower:]' | sort | uniq -d | sed -n '/./{p;q}')
if [ -n "$twice" ]; then  # the second clone would take the place of the first
  echo "students.csv: $twice stands in two lines; keep one" >&2
  exit 1
fi
mkdir class
echo "login,repository,commit,date,reason" > commits.csv
while IFS=, read -r -u 3 login repository due commit _ || [ -n "${login:-}" ]; do
  login="${login#$'\xef\xbb\xbf'}"  # the byte order mark with which Excel begins a file
  login="${login%$'\r'}" repository="${repository%$'\r'}" due="${due%$'\r'}" commit="${commit%$'\r'}"
  case "$login" in login | "") continue ;; esac
  if ! [[ "$login" =~ ^[A-Za-z0-9][A-Za-z0-9_-]*$ && "$repository" =~ ^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$ ]]; then
    echo "students.csv: no login and repository: $login,$repository" >&2
    exit 1
  fi
  due="${due:-$DUE}"
  if ! seconds=$(date -d "$due" +%s); then
    echo "students.csv: $login: no date: $due" >&2
    exit 1
  fi
  folder="class/grades--$login"  # two hyphens, which no login has, end what is no login
  if ! git "${safe[@]}" clone -q --template= --no-checkout --no-recurse-submodules "$server/$repository" "$folder"; then
    echo "$login,$repository,,,cannot be cloned" >> commits.csv
    rm -rf "$folder"
    continue
  fi
  if [ -z "$commit" ]; then
    commit=$(git -C "$folder" rev-list -1 --first-parent --before="$seconds" HEAD 2> /dev/null || true)
  fi
  if [ -z "$commit" ]; then
    echo "$login,$repository,,,no commit before $due" >> commits.csv
    continue
  fi
  if ! git "${safe[@]}" -C "$folder" checkout -q --detach "$commit"; then
    echo "$login,$repository,,,there is no such commit" >> commits.csv
    rm -rf "$folder"
    continue
  fi
  echo "$login,$repository,$(git -C "$folder" log -1 --format=%H,%cI)," >> commits.csv
done 3< students.csv
cat commits.csv
[ -n "$(ls class)" ]
