#!/bin/sh
# Installs pkilint, which tests/pkilint.rs runs, into the target folder; does nothing when it is there.
set -eu
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
version=0.13.3
if [ "$("$target/pkilint/bin/pip" show pkilint 2>/dev/null | sed -n 's/^Version: //p')" = "$version" ]; then
    exit
fi
python3 -m venv "$target/pkilint"
"$target/pkilint/bin/pip" install --quiet --disable-pip-version-check "pkilint==$version"
