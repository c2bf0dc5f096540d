/* sd_dns.h - targets that name servers tell of.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_SD_DNS_H
#define MW_NET_SD_DNS_H
#include "script/value.h"

/* SPEC {name={texts}, type="SRV", port=, servers={texts}} is one that can be asked. */
int mw_sd_dns_check(const mw_value *spec, mw_err *err);

/* Ask about each name of SPEC, waiting at most TIMEOUT_MS or until *STOP.  The groups as in
 * groups.h; names that no server gave an answer for keep those they have in BEFORE (may be NULL),
 * are counted in *FAILED, and the first of them is told in ERR. */
mw_value *mw_sd_dns_ask(const mw_value *spec, const mw_value *before, int timeout_ms,
                        const bool *stop, size_t *failed, mw_err *err);

#endif
