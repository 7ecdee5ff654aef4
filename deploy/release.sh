#!/usr/bin/env bash
# make release: the program for three systems, with its bill of materials, notices and sums, in dist.
# Each program is built twice, the second time from a copy of the sources elsewhere and with a cache of its
# own; both must be equal to the byte. VERSION=1.2 names it; TARGETS="linux/amd64" builds fewer.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
version=${VERSION:-0.$(git log -1 --format=%cd --date=format:%Y%m%d)}
commit=$(git rev-parse HEAD)
[ -z "$(git status --porcelain)" ] || { echo "there are changes that are not committed: a release is of a commit" >&2; exit 1; }
targets=${TARGETS:-linux/amd64 linux/arm64 windows/amd64}
sbom=v1.10.0
export CGO_ENABLED=0 GOFLAGS=-mod=readonly SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)

build() { # sources, system/processor, file
  (cd "$1" && GOOS=${2%/*} GOARCH=${2#*/} go build -trimpath -buildvcs=false \
    -ldflags "-s -w -buildid= -X main.version=$version -X main.commit=$commit" -o "$3" ./cmd/web)
}

name() { # system/processor
  local end=""
  [ "${1%/*}" = windows ] && end=.exe
  echo "web-${1%/*}-${1#*/}$end"
}

notices() { # program
  echo "Sluis $version is built with the libraries below. Each is under its own licence."
  echo
  echo "== Go ($(go env GOVERSION)), https://go.dev"
  echo
  cat "$(go env GOROOT)/LICENSE"
  go version -m "$1" | awk '$1 == "dep" {print $2, $3}' | while read -r module at; do
    dir=$(go list -m -f '{{.Dir}}' "$module")
    echo
    echo "== $module $at"
    echo
    found=$(find "$dir" -maxdepth 1 -type f \( -iname 'licen[sc]e*' -o -iname 'copying*' -o -iname 'notice*' \) | LC_ALL=C sort)
    [ -n "$found" ] || { echo "no licence in $module" >&2; exit 1; }
    while read -r file; do cat "$file"; done <<<"$found"
  done
  for file in web/THIRD_PARTY_NOTICES web/OFL.txt; do # of the style sheet, the script and the fonts
    echo
    echo "== $(basename "$file")"
    echo
    cat "$file"
  done
}

rm -rf dist
mkdir dist
copy=$(mktemp -d)
trap 'chmod -R u+w "$copy"; rm -rf "$copy"' EXIT
git archive HEAD | tar -x -C "$copy"
for target in $targets; do
  file=$(name "$target")
  echo "$file"
  build "$root" "$target" "$root/dist/$file"
  # The second build shares no object file with the first.
  GOCACHE=$copy/.cache build "$copy" "$target" "$copy/$file"
  cmp "dist/$file" "$copy/$file" || { echo "$file: two builds differ" >&2; exit 1; }
  rm -rf "$copy/.cache"
  go run "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$sbom" bin -json -noserial -version "$version" \
    -output "dist/$file.cdx.json" "dist/$file" 2>/dev/null
done
notices "dist/$(name "${targets%% *}")" > dist/NOTICES.txt
cp LICENSE README.md CHANGELOG.md dist/
cp -r docs deploy dist/
(cd dist && find . -type f ! -name SHA256SUMS | LC_ALL=C sort | sed 's|^\./||' | xargs -d '\n' sha256sum > SHA256SUMS)
echo "release $version of commit $commit is in dist; every program was built twice and is equal"
