#!/usr/bin/env bash
# Name a Python of at least 3.11 that can make virtual environments and has pip; name none if there is none.
set -euo pipefail

able='import sys, venv, pip; sys.exit(sys.version_info < (3, 11))'
for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
  if found=$(command -v "$name") && "$found" -I -c "$able" 2> /dev/null; then
    "$found" -I -c 'import sys; print(f"path={sys.executable}")' >> "$GITHUB_OUTPUT"
    exit 0
  fi
done
echo "path=" >> "$GITHUB_OUTPUT"
