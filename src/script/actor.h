/* actor.h - a thread with a Lua state of ours, a mailbox and a next time to wake.
 *
 * The module that an actor runs returns a function: init value -> object with
 *     object:handle(msg, now) -> answer | nil     one message (see host.md for their shapes)
 *     object:tick(now) -> next | nil              work that is due; when to be called again
 *     object:stop(now)                            last call, state to disk
 * Messages are plain values; whatever a thread wants of an actor it sends or asks.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_ACTOR_H
#define MW_SCRIPT_ACTOR_H
#include "script/host.h"
#include "script/value.h"

typedef struct mw_actor mw_actor;

/* Load MODULE into a new state and call it with INIT (taken).  NULL with ERR when that fails. */
mw_actor *mw_actor_new(mw_host *host, const char *name, const char *module, mw_value *init,
                       mw_err *err);
void mw_actor_start(mw_actor *a);
void mw_actor_stop(mw_actor *a); /* finishes the mailbox, calls stop, joins */
void mw_actor_free(mw_actor *a); /* NULL is fine */

/* MSG is taken, also on refusal.  MW_EBUSY when the mailbox is full.  Any thread. */
int mw_actor_send(mw_actor *a, mw_value *msg);
/* REPLY is called once, on the actor's thread or, when it stops first, on the stopping one, with an
 * answer it owns: a map; {error=...} when the handler failed. */
int mw_actor_ask(mw_actor *a, mw_value *msg, mw_reply *reply, void *arg);

#endif
