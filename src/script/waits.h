/* waits.h - a host function that leaves its coroutine until the lane has an answer.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_WAITS_H
#define MW_SCRIPT_WAITS_H
#include "script/asks.h"

/* Pushes what the host function gives: R (which stays the caller's) or, when that is NULL, ERR.
 * The function's own userdata is at the top of the stack when it was given one. */
typedef int mw_wait_push(lua_State *L, const mw_promql_result *r, int64_t t, mw_err *err);

/* The whole of a host function that asks A: pushes the answer at once, or yields a wait out of the
 * coroutine.  The userdata at KEEP (0: none) is kept for PUSH. */
int mw_wait_ask(lua_State *L, mw_ask *a, int keep, mw_wait_push *push);

#endif
