#!/usr/bin/env bash
# Writes gallery/v1 from protos/; with --check, fails when what is committed differs from what it would write.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${BIN:+$BIN/}python"
out=.
if [ "${1:-}" = --check ]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi
"$python" -m grpc_tools.protoc -Iprotos --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" \
  protos/gallery/v1/gallery_service.proto
if [ "$out" != . ]; then
  for file in "$out"/gallery/v1/*; do
    diff -u "gallery/v1/$(basename "$file")" "$file" \
      || { echo "gallery/v1 is not what protos/ says; run: make proto"; exit 1; }
  done
fi
