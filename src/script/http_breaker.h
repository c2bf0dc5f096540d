/* http_breaker.h - the circuit breakers that requests of rules (ctx.http) go through, by name.
 *
 * host.http_breakers says which there are; the thread of the rules alone asks them.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_HTTP_BREAKER_H
#define MW_SCRIPT_HTTP_BREAKER_H
#include "script/state.h"

/* May a request through the breaker NAME be made at NOW?  NULL: yes, and a permit is taken;
 * otherwise the answer in its place, {error=, open=true}. */
mw_value *mw_http_breaker_ask(mw_face *face, const char *name, double now);

/* The request was answered by ANSWER; NULL: nobody waits for that any more. */
void mw_http_breaker_judge(mw_face *face, const char *name, double now, const mw_value *answer);

#endif
