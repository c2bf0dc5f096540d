#!/bin/sh
# run.sh PART... - run parts of the test suite; the last line is "N passed, N failed".
#   unit   every C test (cmocka)            spec   busted specs that need no server
#   e2e    busted specs with real servers   asan   unit, spec and e2e on the ASan+UBSan build
#   fuzz   every fuzz target: its corpus, then new inputs for FUZZ_SECONDS (4); one test a target
set -u
cd "$(dirname "$0")/.." || exit 2
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
passed=0 failed=0
jobs=$(nproc)

count() { passed=$((passed + $1)); failed=$((failed + $2)); }

# A build that fails is one failed test, with its last lines shown.
build() {
  if make -s -j"$jobs" "$@" >"$logs/build" 2>&1; then return 0; fi
  grep -vE '^  (CC|LD) ' "$logs/build" | tail -n 40
  echo "FAILED: make $*"
  count 0 1
  return 1
}

# Half of most tests is waiting, so several run at once (one more than there are processors), each as a process
# of its own that counts for itself (tests/run_one.sh); what they printed is shown in the order of their names.
side_by_side() { # HOW BINARY ITEM...
  how=$1 bin=$2
  shift 2
  rm -rf "$logs/each"
  mkdir -p "$logs/each"
  printf '%s\n' "$@" | xargs -P "$((jobs + 1))" -n 1 tests/run_one.sh "$logs/each" "$how" "$bin"
  for item in "$@"; do
    name=$(echo "$item" | tr / _)
    # shellcheck disable=SC2046
    if [ -e "$logs/each/$name.count" ]; then count $(cat "$logs/each/$name.count"); else count 0 1; fi
    [ ! -e "$logs/each/$name.failed" ] || cat "$logs/each/$name.failed"
  done
  sort -rn "$logs"/each/*.seconds | head -n 5 | awk '{ printf "%s%s %s s", (NR > 1 ? ", " : "  longest: "), $3, $1 } END { print "" }'
}

unit() { # DIR of the build
  # shellcheck disable=SC2046
  side_by_side unit - $(find "$1/tests" -type f -name 'test_*' ! -name '*.*' | LC_ALL=C sort)
}

spec() { # BINARY FILE-OR-FOLDER...
  bin=$1
  shift
  side_by_side spec "$bin" "$@"
}

# The largest first, so that none of them is alone at the end.
policy_specs() { find spec -mindepth 1 -maxdepth 1 -type d ! -name support ! -name e2e ! -name hostile -exec du -s {} + | sort -rn | cut -f 2; }
# Those that wait for minutes begin at once.
e2e_specs() {
  printf 'spec/e2e/%s_spec.lua\n' slo crash sloth hostile
  find spec/e2e -name '*_spec.lua' | grep -vE '/(slo|crash|sloth|hostile)_spec' | LC_ALL=C sort
}

# Short runs repeat themselves (one seed); long ones go where none went before.
fuzz_one() { # TARGET
  name=${1##*/}
  if [ -n "${FUZZ_SECONDS:-}" ]; then seed=0; else seed=1; fi
  mkdir -p "$logs/new.$name"
  words=
  [ -e "tests/fuzz/$name.dict" ] && words=-dict=tests/fuzz/$name.dict
  # shellcheck disable=SC2086
  if "$1" $words -max_total_time="${FUZZ_SECONDS:-4}" -seed=$seed -max_len=4096 -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256 \
    -artifact_prefix="build/fuzz/found/$name-" "$logs/new.$name" "tests/fuzz/corpus/$name" >"$logs/fuzz.$name" 2>&1
  then : >"$logs/fine.$name"; fi
}

fuzz() {
  mkdir -p build/fuzz/found
  running=0
  targets=$(find build/fuzz/fuzz -type f ! -name '*.d' | LC_ALL=C sort)
  for t in $targets; do
    fuzz_one "$t" &
    running=$((running + 1))
    if [ $((running % jobs)) -eq 0 ]; then wait; fi
  done
  wait
  for t in $targets; do
    name=${t##*/}
    if [ -e "$logs/fine.$name" ]; then count 1 0; continue; fi
    count 0 1
    echo "FAILED: $t"
    grep -v '^#[0-9]' "$logs/fuzz.$name" | tail -n 60
    input=$(sed -n 's/.*Test unit written to //p' "$logs/fuzz.$name" | tail -n 1)
    [ -z "$input" ] || echo "$input: $(od -An -v -tx1 "$input" | tr -d ' \n')"
  done
}

# shellcheck disable=SC2046 # names of tests have no spaces
for part in "$@"; do
  start=$(date +%s)
  case $part in
  unit) build unit && unit build ;;
  spec) build moonwatch && spec moonwatch $(policy_specs) ;;
  e2e) build moonwatch && spec moonwatch $(e2e_specs) ;;
  asan)
    export ASAN_OPTIONS="detect_leaks=1:abort_on_error=1" UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
    export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp:print_suppressions=0"
    export ROUNDS="${ROUNDS:-0.3}" # of random tests in Lua: their parts in C have tests and fuzzers of their own
    build asan && unit build/asan && spec build/asan/moonwatch $(policy_specs) && spec build/asan/moonwatch $(e2e_specs)
    ;;
  fuzz)
    export ASAN_OPTIONS="quarantine_size_mb=16" UBSAN_OPTIONS="print_stacktrace=1"
    build fuzz && fuzz
    ;;
  *) echo "run.sh: no part \"$part\"" >&2; exit 2 ;;
  esac
  echo "$part: $(($(date +%s) - start)) s"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
