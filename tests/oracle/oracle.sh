#!/usr/bin/env bash
# Usage: oracle.sh PYTHON POWERFLOW OUTPUT_FOLDER: oracle.py and series.py, or exit status 77 (skipped) where there is no such python.
set -euo pipefail
if [[ ! -x $1 ]]; then
  echo "skipped: there is no $1 with dss-python: run ./gridfed peers, or set GRIDFED_PEERS"
  exit 77
fi
here=$(dirname "${BASH_SOURCE[0]}")
"$1" "$here/oracle.py" "${@:2}"
exec "$1" "$here/series.py" "$2" "$3/series"
