/* host.h - what Lua may ask of C: the signals below this floor, and named operations above it.
 *
 * One mw_host is shared by all actors; it is built in main/ and constant afterwards.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_HOST_H
#define MW_SCRIPT_HOST_H
#include "base/clock.h"
#include "logs/logs.h"
#include "metrics/registry.h"
#include "promql/promql.h"
#include "script/value.h"
#include "store/audit.h"
#include "traces/traces.h"
#include "tsdb/tsdb.h"

/* Takes ANSWER, which is a map; called exactly once for each call that was accepted, any thread. */
typedef void mw_reply(void *arg, mw_value *answer);

/* One operation that floors above offer to Lua: host.call("http", {...}, function(answer) end).
 * ARG is taken.  Must not block: the answer comes through REPLY, at once or later.  A refusal is
 * an answer too: {error="..."}. */
typedef struct mw_op {
    const char *name;
    void (*call)(void *self, mw_value *arg, mw_reply *reply, void *reply_arg);
    void *self;
} mw_op;

typedef struct mw_host mw_host;
struct mw_host {
    const mw_clock *clock;
    mw_tsdb *tsdb;
    mw_source *source; /* what queries read; normally the store's */
    mw_promql *promql;
    struct mw_ahead *ahead; /* not NULL: answers instant queries instead of the engine (ahead.h) */
    bool time_stands; /* while it is asked: nothing is left for later, no query and no function */
    mw_logs *logs;
    mw_traces *traces;
    mw_registry *registry;
    mw_audit *audit; /* NULL: nothing is audited, as in a simulated world */
    const char *data_dir;
    const char *version; /* NULL: "unknown" */
    const char
        *lua_path; /* where else Lua modules are looked for, as package.path; NULL: nowhere */
    mw_op *ops;    /* n_ops rows */
    size_t n_ops, cap_ops;
    struct mw_actor *(*actor)(mw_host *self,
                              const char *name); /* for host.send and host.ask; may be NULL */
};

void mw_host_add_op(mw_host *h, const char *name, void *self,
                    void (*call)(void *self, mw_value *arg, mw_reply *reply, void *reply_arg));

#endif
