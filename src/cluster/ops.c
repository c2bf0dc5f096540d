/* ops.c - host.call("cluster.*"): from any thread to the cluster's own, and back.
 *
 * A cluster of one has no thread: then an operation is answered where it is asked.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "cluster/inside.h"

/* -- answers ---------------------------------------------------------------------------------- */

void mw_ask_answer(mw_ask *call, mw_value *take)
{
    call->reply(call->reply_arg, take);
    mw_value_free(call->arg);
    mw_free(call);
}

void mw_ask_refuse(mw_ask *call, const char *fmt, ...)
{
    char text[600];
    mw_value *answer = mw_map_new();
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    mw_map_set_text(answer, "error", text);
    mw_ask_answer(call, answer);
}

void mw_ask_refuse_away(mw_ask *call)
{
    const mw_cluster *c = call->cluster;
    mw_ask_refuse(call, "Redis is away: %s", c->away_why[0] ? c->away_why : "not connected yet");
}

bool mw_ask_good(mw_ask *call, const redisReply *r)
{
    if (r && r->type != REDIS_REPLY_ERROR) return true;
    if (r)
        mw_ask_refuse(call, "Redis answers: %s", r->str);
    else
        mw_ask_refuse_away(call);
    return false;
}

/* -- counters --------------------------------------------------------------------------------- */

static void on_incr(void *arg, const redisReply *r)
{
    mw_ask *call = arg;
    if (!mw_ask_good(call, r)) return;
    mw_value *answer = mw_map_new(), *number = mw_value_from_json(mw_reply_text(r), NULL);
    if (number) mw_map_set(answer, "value", number);
    mw_ask_answer(call, answer);
}

static void incr(mw_cluster *c, mw_ask *call)
{
    mw_words w = {0};
    mw_str key = mw_map_text(call->arg, "key");
    if (!key.n) {
        mw_ask_refuse(call, "cluster.incr: key is missing");
        return;
    }
    mw_words_text(&w, "HINCRBYFLOAT");
    mw_eval_key(c, &w, "counters");
    mw_words_add(&w, key);
    mw_words_printf(&w, "%.17g", mw_map_number(call->arg, "by", 1));
    if (!mw_link_send(c->commands, &w, MW_REDIS_TIMEOUT_MS, on_incr, call))
        mw_ask_refuse_away(call);
}

static void incr_alone(mw_cluster *c, mw_ask *call)
{
    mw_str key = mw_map_text(call->arg, "key");
    if (!key.n) {
        mw_ask_refuse(call, "cluster.incr: key is missing");
        return;
    }
    pthread_mutex_lock(&c->lock);
    double v = mw_map_number(c->counters, key.p, 0) + mw_map_number(call->arg, "by", 1);
    mw_map_set_number(c->counters, key.p, v);
    pthread_mutex_unlock(&c->lock);
    mw_value *answer = mw_map_new();
    mw_map_set_number(answer, "value", v);
    mw_ask_answer(call, answer);
}

/* -- the table -------------------------------------------------------------------------------- */

static void nodes(mw_cluster *c, mw_ask *call) { mw_ask_answer(call, mw_members_answer(c)); }

/* Nobody else is there to tell; only what rules share by ctx.share is read back. */
static void put_alone(mw_cluster *c, mw_ask *call)
{
    const mw_value *value = mw_map_find(call->arg, "value");
    mw_str id = mw_map_text(call->arg, "id");
    if (id.n && mw_str_is(mw_map_text(call->arg, "kind"), "share")) {
        pthread_mutex_lock(&c->lock);
        mw_map_set(c->kept, id.p, value ? mw_value_copy(value) : mw_nil_new());
        pthread_mutex_unlock(&c->lock);
    }
    mw_ask_answer(call, mw_map_new());
}

static void get_alone(mw_cluster *c, mw_ask *call)
{
    mw_str id = mw_map_text(call->arg, "id");
    mw_value *answer = mw_map_new();
    pthread_mutex_lock(&c->lock);
    const mw_value *value = id.n ? mw_map_find(c->kept, id.p) : NULL;
    if (value) mw_map_set(answer, "value", mw_value_copy(value));
    pthread_mutex_unlock(&c->lock);
    mw_ask_answer(call, answer);
}

static void refuse_alone(mw_cluster *c, mw_ask *call)
{
    mw_ask_refuse(call, "no Redis is configured: set redis= in settings or start with --redis");
}

typedef void run_fn(mw_cluster *c, mw_ask *call);

static const struct row {
    const char *name;
    run_fn *run, *alone;
} rows[] = {
    {"cluster.put", mw_shared_put, put_alone},
    {"cluster.get", mw_shared_get, get_alone},
    {"cluster.nodes", nodes, nodes},
    {"cluster.push", mw_bundle_push, refuse_alone},
    {"cluster.versions", mw_bundle_versions, refuse_alone},
    {"cluster.rollback", mw_bundle_rollback, refuse_alone},
    {"cluster.incr", incr, incr_alone},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* -- from any thread -------------------------------------------------------------------------- */

static void enqueue(mw_cluster *c, mw_ask *call)
{
    pthread_mutex_lock(&c->lock);
    bool late = c->stopping;
    if (!late) {
        *c->last_call = call;
        c->last_call = &call->next;
    }
    pthread_mutex_unlock(&c->lock);
    if (late)
        mw_ask_refuse(call, "moonwatch is stopping");
    else if (eventfd_write(c->wake, 1) < 0)
        MW_ASSERT(!"the cluster thread can be woken");
}

static void ask(mw_cluster *c, const struct row *row, mw_value *arg, mw_reply *reply, void *to)
{
    mw_ask *call = mw_alloc(sizeof *call);
    *call = (mw_ask){.cluster = c, .run = row->run, .arg = arg, .reply = reply, .reply_arg = to};
    if (c->alone)
        row->alone(c, call);
    else
        enqueue(c, call);
}

/* mw_op carries one self and no row: one small function per operation tells them apart. */
#define ENTRY(i)                                                              \
    static void ask_##i(void *self, mw_value *arg, mw_reply *reply, void *to) \
    {                                                                         \
        ask(self, &rows[i], arg, reply, to);                                  \
    }
/* clang-format off */
ENTRY(0) ENTRY(1) ENTRY(2) ENTRY(3) ENTRY(4) ENTRY(5) ENTRY(6)
    /* clang-format on */
    static void (*const entries[ROWS])(void *, mw_value *, mw_reply *,
                                       void *) = {ask_0, ask_1, ask_2, ask_3, ask_4, ask_5, ask_6};

void mw_cluster_offer(mw_cluster *c, mw_host *host)
{
    for (size_t i = 0; i < ROWS; i++) mw_host_add_op(host, rows[i].name, c, entries[i]);
}

/* -- on the cluster thread -------------------------------------------------------------------- */

static mw_ask *take_calls(mw_cluster *c)
{
    pthread_mutex_lock(&c->lock);
    mw_ask *first = c->first_call;
    c->first_call = NULL;
    c->last_call = &c->first_call;
    pthread_mutex_unlock(&c->lock);
    return first;
}

void mw_calls_run(mw_cluster *c)
{
    for (mw_ask *call = take_calls(c), *next; call; call = next) {
        next = call->next;
        call->run(c, call);
    }
}

void mw_calls_refuse(mw_cluster *c, const char *why)
{
    for (mw_ask *call = take_calls(c), *next; call; call = next) {
        next = call->next;
        mw_ask_refuse(call, "%s", why);
    }
}
