/* probes.c - runs probes side by side and answers whoever asked.
 *
 * The pool of 32 threads starts with the first probe.  A deadline counts from the question, so a
 * probe that found no free thread in time answers that instead of a stale measurement.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "net/probe.h"

enum { THREADS = 32, QUEUE = 1024, MAX_TIMEOUT_MS = 300 * 1000, DEFAULT_TIMEOUT_S = 2 };

struct kind {
    mw_probes *owner;
    const char *name;
    mw_probe_run *run;
    mw_series *passed, *failed, *seconds;
};

static const struct {
    const char *name;
    mw_probe_run *run;
} kinds[] = {{"tcp", mw_probe_tcp}, {"redis", mw_probe_redis}, {"postgres", mw_probe_postgres}};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct mw_probes {
    pthread_mutex_t lock; /* of pool */
    mw_pool *pool;        /* NULL before the first probe and after the stop */
    atomic_bool stop;
    struct kind kind[KINDS];
};

struct probe {
    struct kind *kind;
    mw_value *arg;
    mw_reply *reply;
    void *reply_arg;
    int64_t asked_ns;
    mw_patience patience;
};

static void answer(struct probe *p, mw_value *map, const mw_err *err)
{
    double seconds = (double)(mw_mono_ns() - p->asked_ns) / 1e9;
    mw_map_set_number(map, "seconds", seconds);
    if (err->code != MW_OK) mw_map_set_text(map, "error", err->msg);
    mw_counter_add(err->code == MW_OK ? p->kind->passed : p->kind->failed, 1);
    mw_histogram_observe(p->kind->seconds, seconds);
    p->reply(p->reply_arg, map);
    mw_value_free(p->arg);
    mw_free(p);
}

static void run(void *arg)
{
    struct probe *p = arg;
    mw_value *map = mw_map_new();
    mw_err err;
    mw_err_init(&err);
    if (atomic_load(&p->kind->owner->stop))
        mw_fail(&err, MW_ECANCEL, 0, 0, "moonwatch is stopping");
    else if (mw_mono_ns() >= p->patience.deadline_ns)
        mw_fail(&err, MW_ETIMEOUT, 0, 0,
                "timed out after %g s waiting for its turn: %d other probes hang",
                p->patience.timeout_ms / 1000.0, THREADS);
    else
        p->kind->run(p->arg, &p->patience, map, &err);
    answer(p, map, &err);
}

static int enqueue(mw_probes *ps, struct probe *p)
{
    pthread_mutex_lock(&ps->lock);
    int code = MW_ECANCEL;
    if (!atomic_load(&ps->stop)) {
        if (!ps->pool) ps->pool = mw_pool_new("mw-probe", THREADS, QUEUE);
        code = mw_pool_add(ps->pool, run, p);
    }
    pthread_mutex_unlock(&ps->lock);
    return code;
}

static void ask(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    struct kind *kind = self;
    double ms = mw_map_number(arg, "timeout", DEFAULT_TIMEOUT_S) * 1000;
    struct probe *p = mw_alloc(sizeof *p);
    *p = (struct probe){.kind = kind, .arg = arg, .reply = reply, .reply_arg = reply_arg};
    p->asked_ns = mw_mono_ns();
    p->patience.timeout_ms = ms >= 1 && ms <= MAX_TIMEOUT_MS ? (int)ms
                             : ms < 1                        ? 1
                                                             : MAX_TIMEOUT_MS;
    p->patience.deadline_ns = p->asked_ns + (int64_t)p->patience.timeout_ms * 1000000;
    p->patience.stop = &kind->owner->stop;
    int code = enqueue(kind->owner, p);
    if (code == MW_OK) return;
    mw_err err;
    mw_err_init(&err);
    mw_fail(&err, code, 0, 0,
            code == MW_EBUSY ? "too many probes are waiting; this one did not run"
                             : "moonwatch is stopping");
    answer(p, mw_map_new(), &err);
}

mw_probes *mw_probes_new(mw_registry *reg)
{
    static const char total[] = "moonwatch_net_probes_total";
    static const char help[] = "Probes of checks by kind and outcome.";
    mw_probes *ps = mw_zalloc(sizeof *ps);
    pthread_mutex_init(&ps->lock, NULL);
    for (size_t i = 0; i < KINDS; i++) {
        const char *name = kinds[i].name;
        ps->kind[i] = (struct kind){
            .owner = ps,
            .name = name,
            .run = kinds[i].run,
            .passed = mw_counter(reg, total, help, "kind", name, "outcome", "passed", NULL),
            .failed = mw_counter(reg, total, help, "kind", name, "outcome", "failed", NULL),
            .seconds = mw_histogram(reg, "moonwatch_net_probe_duration_seconds",
                                    "How long probes of checks took.", "kind", name, NULL),
        };
    }
    return ps;
}

void mw_probes_stop(mw_probes *ps)
{
    pthread_mutex_lock(&ps->lock);
    atomic_store(&ps->stop, true);
    mw_pool *pool = ps->pool;
    ps->pool = NULL;
    pthread_mutex_unlock(&ps->lock);
    mw_pool_free(pool);
}

void mw_probes_free(mw_probes *ps)
{
    if (!ps) return;
    mw_probes_stop(ps);
    pthread_mutex_destroy(&ps->lock);
    mw_free(ps);
}

void mw_probes_offer(mw_probes *ps, mw_host *host)
{
    for (size_t i = 0; i < KINDS; i++) mw_host_add_op(host, ps->kind[i].name, &ps->kind[i], ask);
}
