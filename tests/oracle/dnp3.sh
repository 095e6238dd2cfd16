#!/usr/bin/env bash
# dnp3.py by the python named, or exit status 77 (skipped) where there is none. Usage: dnp3.sh PYTHON OUTSTATION FIELD_PROBE SOURCE_DIR
set -euo pipefail
if [[ ! -x $1 ]]; then
  echo "skipped: no python with dnp3-python is named: set GRIDFED_DNP3_PYTHON (docs/field.md)"
  exit 77
fi
exec "$1" "$(dirname "${BASH_SOURCE[0]}")/dnp3.py" "${@:2}"
