/* state.h - a Lua state of ours, and the host table bound to one mw_host.
 *
 * A state belongs to one thread at a time.  Two kinds: an actor's (no jit, io, os, ffi, debug) and
 * the command line's (everything that Debian's luajit has).  In both `require "moonwatch.host"`
 * gives the table of docs/host.md, and our own modules come as bytecode linked into the program.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_STATE_H
#define MW_SCRIPT_STATE_H
#include <lua.h>

#include "script/mailbox.h"

typedef struct mw_lua mw_lua;

/* What a host function is bound to: which signals, and which state waits for answers.  A state has
 * one; each host.world() is another one of the same state. */
typedef struct mw_face {
    mw_host *host;
    mw_lua *lua;
    struct mw_http_breakers *breakers; /* see http_breaker.h; NULL: none */
} mw_face;

struct mw_lua {
    lua_State *L;
    mw_face face;
    mw_mailbox *inbox;
    bool waits; /* host.call without done waits: the command line's state */
    uint64_t last_ticket;
    struct mw_pending *pending;          /* calls whose answers are not here yet */
    struct mw_pending *left, **left_end; /* what was left in the middle, the oldest first */
    struct mw_watch *watch;  /* the CPU timer of this state's thread; made by the first guest */
    struct mw_meter *meter;  /* where what is used now counts; NULL: nowhere */
    size_t held;             /* bytes of guests that were left in the middle of a call */
    struct mw_slow *slow;    /* queries that take long, see asks.h; made by the first one */
    mw_series *held_seconds; /* how long guests held the thread in one go; may be NULL */
};

mw_lua *mw_lua_new(mw_host *host, bool command_line, mw_err *err);
void mw_lua_free(mw_lua *l); /* NULL is fine; asked messages without an answer get an error */

/* lua_pcall with a traceback; on failure nothing is left on the stack and ERR has the text. */
int mw_lua_run(mw_lua *l, int nargs, int nresults, mw_err *err);

int mw_lua_traceback(lua_State *L); /* the message handler of mw_lua_run */

/* -- answers that come later ----------------------------------------------------------------- */

/* What to do with an answer (taken).  NULL: the state is closing, only free ARG.  False: failed,
 * with the reason in ERR. */
typedef bool mw_then(mw_lua *l, void *arg, mw_value *answer, mw_err *err);

/* A ticket to hand to an operation together with mw_call_answer. */
mw_call_ticket *mw_lua_expect(mw_lua *l, mw_then *then, void *arg, uint64_t *number);
bool mw_lua_answer(mw_lua *l, mw_mail *mail, mw_err *err); /* MAIL->value is taken */
/* Takes mail from the inbox until the answer to NUMBER was handled; for the command line. */
bool mw_lua_wait(mw_lua *l, uint64_t number, mw_err *err);

/* -- work in slices -------------------------------------------------------------------------- */

/* THEN is called with an empty answer when it is its turn: after others had theirs. */
void mw_lua_leave(mw_lua *l, mw_then *then, void *arg);
bool mw_lua_any_left(const mw_lua *l);
bool mw_lua_proceed(mw_lua *l, mw_err *err); /* goes on with the one that was left first */

/* -- for the host functions ------------------------------------------------------------------ */

/* Of the running host function: its first upvalue is a pointer to the face, or a userdata that
 * begins with one. */
mw_face *mw_face_of(lua_State *L);

/* Sets FNS, bound to the face at the top of the stack, in the table below it.  Pops nothing. */
typedef struct mw_host_fn {
    const char *name;
    lua_CFunction fn;
} mw_host_fn;
void mw_host_set(lua_State *L, const mw_host_fn *fns); /* ends with {NULL, NULL} */

/* Fills the table below the face at the top of the stack; one for each host_*.c. */
void mw_host_open_signals(lua_State *L);
void mw_host_open_queries(lua_State *L);
void mw_host_open_series(lua_State *L);
void mw_host_open_records(lua_State *L);
void mw_host_open_files(lua_State *L);
void mw_host_open_journal(lua_State *L);
void mw_host_open_audit(lua_State *L);
void mw_host_open_json(lua_State *L);
void mw_host_open_alerts(lua_State *L);
void mw_host_open_texts(lua_State *L);
void mw_host_open_message(lua_State *L);
void mw_host_open_text(lua_State *L);
void mw_host_open_yaml(lua_State *L);
void mw_host_open_histogram(lua_State *L);
void mw_host_open_metrics(lua_State *L);
void mw_host_open_calls(lua_State *L);
void mw_host_open_waits(lua_State *L);
void mw_host_open_guest(lua_State *L);
void mw_host_open_world(lua_State *L);
void mw_host_open_past(lua_State *L);
void mw_host_open_breaker(lua_State *L);
void mw_host_open_http_breakers(lua_State *L);
void mw_host_open_line(lua_State *L);

/* Replaces the face at the top of the stack (see mw_face_of) by a host table bound to it. */
void mw_host_push(lua_State *L);
void mw_host_push_with(lua_State *L, const mw_host_fn *fns); /* likewise, with FNS on top */

/* Calls operation NAME; one that is not there answers with an error.  ARG is taken. */
void mw_host_op(mw_host *h, const char *name, mw_value *arg, mw_reply *reply, void *reply_arg);

/* nil and a message, for a refusal. */
int mw_lua_refuse(lua_State *L, const mw_err *err);
int mw_lua_refuse_text(lua_State *L, const char *text);
int mw_lua_refuse_at(lua_State *L, const mw_err *err); /* and line and column, when there are */

#endif
