/* redis_info.h - the figures of Redis's INFO that a check needs.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_REDIS_INFO_H
#define MW_NET_REDIS_INFO_H
#include "script/value.h"

/* Into OUT, of that what TEXT has: server, role ("master", "slave"), link ("up", "down"), syncing,
 * heard (seconds since the master was heard), replicas (online ones), replicas_lag (the longest, in
 * seconds), memory, memory_max (0: no limit), clients, clients_max, offset, loading. */
void mw_redis_info_read(mw_str text, mw_value *out);

#endif
