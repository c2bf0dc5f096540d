/* guest_inside.h - what the files of a guest share: guest*.c and ctx*.c.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_GUEST_INSIDE_H
#define MW_SCRIPT_GUEST_INSIDE_H
#include "script/asks.h"
#include "script/cross.h"
#include "script/guest.h"

typedef struct mw_guest_run mw_guest_run;

struct mw_guest {
    mw_sandbox box; /* first: mw_guest_of */
    mw_face *face;
    char *name, *source, *env;
    mw_word *words;
    char **kinds;
    size_t n_words, n_kinds;
    bool (*module)(void *arg, const char *name, mw_buf *source, mw_buf *path);
    void *module_arg;
    mw_buf module_source,
        module_path; /* of the module being read; here so that errors lose nothing */
    mw_value *declarations, *problems;
    mw_value *unfinished; /* list of {word=, name=, line=, id=}: alert "x" without its table yet */
    unsigned last_id;
    int error_line; /* of the file itself when a module of it failed; 0: the file failed */
    bool no_memory; /* loading ended for want of it */
    int n_fns;
    int fn_ids;            /* reference to the table MW_GUEST_FN_IDS; 0 until it is needed */
    size_t left;           /* bytes that declarations may still take */
    mw_guest_run *running; /* the call whose code runs now; NULL while loading */
    mw_guest_run *runs;    /* all calls under way */
    size_t n_runs;
};

/* Names in the registry of a guest's state. */
#define MW_GUEST_LIB     "lib"     /* what a file may name besides words */
#define MW_GUEST_FNS     "fns"     /* number -> function */
#define MW_GUEST_FN_IDS  "fn ids"  /* function -> number */
#define MW_GUEST_MODULES "modules" /* name -> value */
#define MW_GUEST_CTX     "ctx"     /* metatable of the ctx object */

enum {
    MW_GUEST_SOURCE = 256 << 10,
    MW_GUEST_DEPTH = 32,
    MW_GUEST_FNS_MAX = 10000,
    MW_GUEST_PROBLEMS = 100
};
enum { MW_GUEST_PAUSED = 64 << 20 }; /* bytes that all paused calls of a thread may hold */
enum { MW_GUEST_KEPT = 32 << 20 };   /* bytes of declarations, or of what one call fires */
extern const mw_cross_limits mw_guest_limits;

mw_guest *mw_guest_of(lua_State *L);

/* guest.c: a problem at a line (0: unknown) of FILE (NULL: the guest's own). */
void mw_guest_problem(mw_guest *g, const char *file, int line, int col, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Compiles TEXT as chunk NAME, checks its globals and leaves it on the stack with its environment
 * set.  False: the problems are noted. */
bool mw_guest_compile(lua_State *L, const char *name, mw_str text);

/* guest_words.c */
void mw_guest_words_open(lua_State *L, int env);      /* words, kinds, secret, env, require */
size_t mw_guest_names(mw_guest *g, const char **out); /* all of them; OUT has room */
size_t mw_guest_names_max(const mw_guest *g);
int mw_guest_own_line(lua_State *L, const char **in, int *in_line);
void mw_guest_unfinished(mw_guest *g); /* a problem for each word that still waits for its table */

/* guest_texts.c: what texts written as functions may call, into the table at TO */
void mw_guest_texts_open(lua_State *L, int to);

/* globals.c: calls VISIT for every use of a global in the function on top of the stack. */
typedef void mw_global_visit(void *arg, const char *name, bool assigned, int line);
bool mw_globals_each(lua_State *L, mw_global_visit *visit, void *arg);

/* -- calls ----------------------------------------------------------------------------------- */

/* Pushes what a method gives for GOT, the answer to EXPR; raises when that is too much. */
typedef void mw_ctx_pushes(lua_State *L, const mw_promql_result *got, const char *expr);
#define MW_CTX_ASK   "ask"   /* in OP: the query in ASK, to the lane */
#define MW_CTX_PAUSE "pause" /* in OP: it was left after a slice of time */
/* A when can be left if the turn of its rule can be, others always, nobody in the command line. */
bool mw_ctx_patient(const mw_guest_run *run);

struct mw_guest_run {
    mw_guest *guest; /* NULL: it was closed while this call waited */
    mw_lua *lua;
    mw_guest_run *next;
    lua_State *co;
    int fn, co_ref, ctx_ref; /* references in the registry */
    mw_value *args, *ctx, *fired, *values, *state;
    mw_value *found_logs, *found_traces; /* the first records it searched for; NULL at first */
    mw_call_kind kind;
    bool has_ctx;
    double now;
    double timeout; /* seconds that it may take with all that it waits for; 0: nobody says */
    int64_t most, fuel, started_ns; /* instructions: in all, left */
    size_t held_bytes;              /* bytes of memory while it is paused */
    double cpu;                     /* seconds left of this part */
    unsigned log_lines, questions;
    mw_meter *meter; /* where it counts; may be NULL */
    size_t left;     /* bytes that what it fires may still take */
    char *error, *traceback;
    bool paused, finished, over; /* OVER: stopped because its budget was used up */
    /* what the code waits for: set by ctx before it yields */
    const char *op;
    mw_value *op_arg;
    mw_value *answer; /* on the way in */
    mw_ask ask;       /* a query that is slow, its text, its way to the stack */
    char *ask_expr;
    mw_ctx_pushes *push;
    mw_lane_job *job;       /* not NULL: it waits for that, or has it */
    char *step;             /* name of the request that is under way; NULL: it has none */
    mw_value *steps;        /* those that were: list of {name=, seconds=, status=, error=} */
    char *breaker;          /* name of the one whose permit its request has; NULL: none */
    mw_promql_result *held; /* result being pushed; freed when the push fails */
    mw_value *held_value;
    mw_guest_done *done;
    void *done_arg;
};

/* guest_part.c: each is called by lua_cpcall with the run.  One part: from the start, or the last
 * answer, to the next question or the end. */
int mw_guest_run_part(lua_State *L);
int mw_guest_find_place(lua_State *L); /* into box->place: the innermost function of the run */
int mw_guest_unref(lua_State *L);      /* the run is over: what the guest's state kept of it */

/* guest_ask.c: issues what the run waits for; THEN gets its answer, with the run as its argument.
 */
void mw_guest_ask(mw_guest_run *run, mw_then *then);
/* Notes ANSWER, which may be NULL: the call ends before it comes. */
void mw_guest_answered(mw_guest_run *run, mw_value *answer);
void mw_guest_leave_breaker(mw_guest_run *run, const mw_value *answer); /* gives its permit back */

/* guest_regex.c: the table `regex` into the table at TO. */
void mw_guest_regex_open(lua_State *L, int to);

/* ctx.c */
void mw_ctx_open(lua_State *L);                    /* its metatable, once for each guest */
void mw_ctx_push(lua_State *L, mw_guest_run *run); /* a new ctx object */
/* The call that runs now, allowed to ask; raises outside of one and counts the question. */
mw_guest_run *mw_ctx_run(lua_State *L);
void mw_ctx_drop_held(mw_guest_run *run);
/* The request ARG takes no longer than what is left of the time of RUN: its `timeout`, a number or
 * a duration, is bounded by that.  Raises when there is none left; ARG is freed then. */
void mw_ctx_limit_time(lua_State *L, mw_guest_run *run, mw_value *arg);
/* The whole of a question: PUSHes the answer, or leaves the state until the lane has it. */
int mw_ctx_ask(lua_State *L, mw_guest_run *run, const mw_promql_query *q, mw_ctx_pushes *push);
/* One more of what a run may emit; raises when that is too much. */
void mw_ctx_emit(lua_State *L, mw_guest_run *run);
/* Ends the C function: leaves the state until the answer of OP is here.  ARG is taken. */
int mw_ctx_wait(lua_State *L, mw_guest_run *run, const char *op, mw_value *arg);
mw_value *mw_ctx_value(lua_State *L, int idx); /* raises when it cannot cross; the caller owns it */

/* ctx_signals.c, ctx_reports.c, ctx_waits.c: fill the table of methods on top of the stack */
void mw_ctx_open_signals(lua_State *L);
void mw_ctx_open_reports(lua_State *L);
void mw_ctx_open_waits(lua_State *L);

#endif
