#!/bin/sh
# start.sh - the quickstart: a demo shop beside a moonwatch that watches it, until Ctrl-C.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
moonwatch=${MOONWATCH:-$here/../../moonwatch}
luajit shop.lua http://127.0.0.1:9490 &
shop=$!
trap 'kill $shop 2>/dev/null || true' EXIT
trap 'exit 0' INT TERM
echo "The page: http://127.0.0.1:9490/   (Ctrl-C stops everything)"
"$moonwatch" run moonwatch.lua --data "${MOONWATCH_DATA:-$here/data}" &
server=$!
trap 'kill $server $shop 2>/dev/null || true; wait $server 2>/dev/null || true' EXIT
wait $server
