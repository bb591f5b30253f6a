#!/usr/bin/env bash
# Packs what a tag holds into a folder: what GitHub needs to run the actions as one archive, the same on every machine; the
# bill of materials; and their checksums. `scripts/pack-release.sh v1.2.3 FOLDER`
set -euo pipefail
tag=$1
folder=$(mkdir -p "$2" && cd "$2" && pwd)
cd "$(dirname "$0")/.."

# git takes the time of the commit, and gzip without a name writes none.
git -c tar.umask=0022 archive --format=tar "$tag" -- \
  action.yml verify dist LICENSE README.md SECURITY.md package.json | gzip -n -9 >"$folder/deploy-warrant.tar.gz"
git show "$tag:dist/licenses.txt" >"$folder/licenses.txt"
# `npm sbom --omit dev` of npm 11 leaves out what a tool of ours needs too, such as zod: so take the tools out of its input.
runtime=$(mktemp -d)
trap 'rm -r "$runtime"' EXIT
git show "$tag:package.json" >"$runtime/package.json"
git show "$tag:package-lock.json" >"$runtime/package-lock.json"
node - "$runtime" <<'SCRIPT'
const { readFileSync, writeFileSync } = require('node:fs');
const change = (name, edit) => {
  const path = `${process.argv[2]}/${name}`;
  const document = JSON.parse(readFileSync(path, 'utf8'));
  edit(document);
  writeFileSync(path, JSON.stringify(document));
};
const withoutTools = (document) => {
  delete document.devDependencies;
  delete document.optionalDependencies;
};
change('package.json', withoutTools);
change('package-lock.json', ({ packages }) => {
  withoutTools(packages['']);
  for (const [path, { dev, optional, devOptional }] of Object.entries(packages)) {
    if (dev || optional || devOptional) delete packages[path];
  }
});
SCRIPT
(cd "$runtime" && npm sbom --sbom-format cyclonedx --sbom-type application --package-lock-only) \
  >"$folder/sbom.cdx.json"

cd "$folder"
if command -v sha256sum >/dev/null; then hash='sha256sum'; else hash='shasum -a 256'; fi
$hash deploy-warrant.tar.gz licenses.txt sbom.cdx.json >SHA256SUMS
