/* text.h - durations and times as people write them.  SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_TEXT_H
#define MW_SCRIPT_TEXT_H
#include <lua.h>

#include "base/str.h"

/* The number of seconds at IDX: a finite number, or a text such as "1h30m". */
bool mw_lua_duration(lua_State *L, int idx, double *seconds);

/* RFC 3339 with any offset and fraction ("2026-11-23T09:00:00.5+01:00"), or a decimal number of
 * unix seconds. */
bool mw_time_parse(mw_str s, double *seconds);

#endif
