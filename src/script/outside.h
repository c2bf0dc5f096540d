/* outside.h - what functions of rules ask of the net in a world: it waits here until a test
 * answers.
 *
 * One thread at a time.  SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_OUTSIDE_H
#define MW_SCRIPT_OUTSIDE_H
#include <lua.h>

#include "script/host.h"

typedef struct mw_outside mw_outside;

mw_outside *mw_outside_new(void);
void mw_outside_free(mw_outside *o); /* NULL is fine; whoever waits is told that nobody answers */
void mw_outside_offer(mw_outside *o, mw_host *host);

/* Pushes the oldest request {op=, arg=, done=function(answer)}, which is asked no more, or nil.
 * Before the first time requests are refused: nobody would answer them. */
void mw_outside_push(lua_State *L, mw_outside *o);

#endif
