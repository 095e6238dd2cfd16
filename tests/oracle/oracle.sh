#!/usr/bin/env bash
# Usage: oracle.sh PYTHON SCRIPT POWERFLOW OUTPUT_FOLDER: that script of this folder, or exit status 77 (skipped) where there is no such
# python.
set -euo pipefail
if [[ ! -x $1 ]]; then
  echo "skipped: there is no $1 with dss-python: run ./gridfed peers, or set GRIDFED_PEERS"
  exit 77
fi
exec "$1" "$(dirname "${BASH_SOURCE[0]}")/$2" "${@:3}"
