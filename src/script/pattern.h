/* pattern.h - Lua patterns, matched in bounded steps.  SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_PATTERN_H
#define MW_SCRIPT_PATTERN_H
#include <lua.h>

#include "base/str.h"

enum { MW_CAPTURES = 32, MW_CAPTURE_OPEN = -1, MW_CAPTURE_POSITION = -2 };

typedef struct mw_pattern {
    lua_State *L; /* charged for the steps; raises on a malformed pattern */
    const char *subject, *end, *pattern_end;
    int level; /* captures so far */
    int depth;
    unsigned steps;
    struct {
        const char *at;
        ptrdiff_t n; /* or MW_CAPTURE_OPEN, MW_CAPTURE_POSITION */
    } capture[MW_CAPTURES];
} mw_pattern;

/* Match pattern P (without its anchor) at S: the end of the match, or NULL. */
const char *mw_pattern_match(mw_pattern *m, const char *s, const char *p);

#endif
