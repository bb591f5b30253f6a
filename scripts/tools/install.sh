#!/usr/bin/env bash
# Installs actionlint, zizmor and act into the folder named, outside the work tree, in the versions and with the hashes that
# stand here: `scripts/tools/install.sh ~/.cache/deploy-warrant-tools`, then put its `bin` into PATH.
# The wheel of actionlint fetches a binary from elsewhere while it is installed; the Go module is checked against go.sum.
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")"

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
  --require-hashes --requirement requirements.txt
GOBIN="$folder/bin" GOFLAGS='-mod=readonly -buildvcs=false' go install github.com/rhysd/actionlint/cmd/actionlint
ln -sf ../venv/bin/act ../venv/bin/zizmor "$folder/bin/"

"$folder/bin/actionlint" --version | head -n 1
"$folder/bin/zizmor" --version
"$folder/bin/act" --version
