#!/bin/sh
# lint.sh - what machines can say about how the code reads.  Exit status 1 when anything is wrong.
set -u
status=0
run() { echo "== $1"; shift; "$@" || status=1; }
c_files=$(git ls-files 'src/*.c' 'src/*.h' 'tests/*.c' 'tests/*.h' 'bench/*.c')
# shellcheck disable=SC2086
run clang-format clang-format --dry-run --Werror $c_files
run cppcheck cppcheck --quiet --enable=warning,portability --error-exitcode=1 --inline-suppr \
  --suppress=missingIncludeSystem --std=c11 -D_GNU_SOURCE -DH2O_USE_LIBUV=0 -Isrc src
flags="-std=gnu11 -Isrc -Itests -D_GNU_SOURCE -DH2O_USE_LIBUV=0 $(pkg-config --cflags luajit jansson hiredis libcurl libpq libh2o-evloop)"
# shellcheck disable=SC2086
run clang-tidy clang-tidy --quiet $(git ls-files 'src/*.c') -- $flags
run luacheck luacheck --quiet lua rules examples spec tools
exit $status
