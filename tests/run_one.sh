#!/bin/sh
# run_one.sh DIR HOW BINARY ITEM - one piece of the test suite, for run.sh: HOW is unit (ITEM is a test
# program) or spec (ITEM is a file or folder of specs for BINARY).  Writes DIR/NAME.count, "PASSED
# FAILED", DIR/NAME.seconds, and when something failed DIR/NAME.failed, what there is to read about it.
set -u
name=$(echo "$4" | tr / _)
out=$1/$name.out

unit() { # PROGRAM
  timeout 300 "$1" >"$out" 2>&1
  status=$?
  ok=$(grep -c '^\[       OK \]' "$out")
  bad=$(grep '^\[  FAILED  \] [a-z]' "$out" | sort -u | wc -l)
  # A test program that dies says nothing of the tests it did not reach.
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
}

spec() { # FILE-OR-FOLDER BINARY
  MOONWATCH="$PWD/$2" "./$2" test "$1" >"$out" 2>&1
  status=$?
  ok=$(sed -n 's/^\([0-9]*\) passed, [0-9]* failed.*/\1/p' "$out" | tail -n 1)
  bad=$(sed -n 's/^[0-9]* passed, \([0-9]*\) failed.*/\1/p' "$out" | tail -n 1)
  if [ -z "$ok" ]; then ok=0 bad=1; fi
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
}

start=$(date +%s)
"$2" "$4" "$3"
echo "$(($(date +%s) - start)) s $4" >"$1/$name.seconds"
if [ "$status" -ne 0 ]; then
  { echo "FAILED: $4 (status $status)"; tail -n 150 "$out"; } >"$1/$name.failed"
fi
echo "$ok $bad" >"$1/$name.count"
