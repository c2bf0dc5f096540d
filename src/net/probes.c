/* probes.c - runs probes, mails and programs side by side and answers whoever asked.
 *
 * Each class has a pool of its own, so that mail servers that hang do not hold up checks; it starts
 * with the first question.  A deadline counts from the question, so a probe that found no free
 * thread in time answers that instead of a stale measurement; "unasked" says that this tells
 * nothing about the target.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "net/probe.h"

enum { QUEUE = 4096, LOOK_MS = 10000, MAX_TIMEOUT_MS = 300 * 1000, DEFAULT_TIMEOUT_S = 2 };

enum class { PROBES, MAILS, PROGRAMS, CLASSES };

static const struct {
    const char *thread, *others;
    unsigned least, most; /* threads: those of probes mostly wait, and ten thousand checks must not
                           * fail because some hundred hang */
} classes[CLASSES] = {
    [PROBES] = {"mw-probe", "probes", 8, 2048},
    [MAILS] = {"mw-mail", "mails", 8, 8},
    [PROGRAMS] = {"mw-program", "programs", 4, 32},
};

struct kind {
    mw_probes *owner;
    const char *name;
    mw_probe_run *run;
    enum class class;
    mw_series *passed, *failed, *seconds;
};

static const struct {
    const char *name;
    mw_probe_run *run;
    enum class class;
} kinds[] = {
    {"tcp", mw_probe_tcp, PROBES},           {"dns", mw_probe_dns, PROBES},
    {"icmp", mw_probe_icmp, PROBES},         {"redis", mw_probe_redis, PROBES},
    {"postgres", mw_probe_postgres, PROBES}, {"mail", mw_mail_run, MAILS},
    {"exec", mw_exec_run, PROGRAMS},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct mw_probes {
    pthread_mutex_t lock;   /* of the pools */
    mw_pool *pool[CLASSES]; /* NULL before the first question and after the stop */
    atomic_bool stop;
    char **folders; /* NULL-terminated */
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
    bool stop = atomic_load(&p->kind->owner->stop), late = mw_mono_ns() >= p->patience.deadline_ns;
    if (stop || late) mw_map_set_bool(map, "unasked", true);
    if (stop)
        mw_fail(&err, MW_ECANCEL, 0, 0, "moonwatch is stopping");
    else if (late)
        mw_fail(&err, MW_ETIMEOUT, 0, 0,
                "timed out after %g s waiting for its turn: %u other %s hang",
                p->patience.timeout_ms / 1000.0, classes[p->kind->class].most,
                classes[p->kind->class].others);
    else
        p->kind->run(p->arg, &p->patience, map, &err);
    answer(p, map, &err);
}

static int enqueue(mw_probes *ps, struct probe *p)
{
    pthread_mutex_lock(&ps->lock);
    int code = MW_ECANCEL;
    if (!atomic_load(&ps->stop)) {
        mw_pool **pool = &ps->pool[p->kind->class];
        if (!*pool)
            *pool = mw_pool_elastic(classes[p->kind->class].thread, classes[p->kind->class].least,
                                    classes[p->kind->class].most, QUEUE, LOOK_MS);
        code = mw_pool_add(*pool, run, p);
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
    p->patience.folders = (const char *const *)kind->owner->folders;
    int code = enqueue(kind->owner, p);
    if (code == MW_OK) return;
    mw_err err;
    mw_value *map = mw_map_new();
    mw_map_set_bool(map, "unasked", true);
    mw_err_init(&err);
    mw_fail(&err, code, 0, 0,
            code == MW_EBUSY ? "too many %s are waiting; this one did not run"
                             : "moonwatch is stopping",
            classes[kind->class].others);
    answer(p, map, &err);
}

mw_probes *mw_probes_new(mw_registry *reg)
{
    static const char total[] = "moonwatch_net_probes_total";
    static const char help[] = "Probes, mails and programs by kind and outcome.";
    mw_probes *ps = mw_zalloc(sizeof *ps);
    pthread_mutex_init(&ps->lock, NULL);
    for (size_t i = 0; i < KINDS; i++) {
        const char *name = kinds[i].name;
        ps->kind[i] = (struct kind){
            .owner = ps,
            .name = name,
            .run = kinds[i].run,
            .class = kinds[i].class,
            .passed = mw_counter(reg, total, help, "kind", name, "outcome", "passed", NULL),
            .failed = mw_counter(reg, total, help, "kind", name, "outcome", "failed", NULL),
            .seconds =
                mw_histogram(reg, "moonwatch_net_probe_duration_seconds",
                             "How long probes, mails and programs took.", "kind", name, NULL),
        };
    }
    return ps;
}

void mw_probes_stop(mw_probes *ps)
{
    pthread_mutex_lock(&ps->lock);
    atomic_store(&ps->stop, true);
    mw_pool *pool[CLASSES];
    memcpy(pool, ps->pool, sizeof pool);
    memset(ps->pool, 0, sizeof ps->pool);
    pthread_mutex_unlock(&ps->lock);
    for (size_t i = 0; i < CLASSES; i++) mw_pool_free(pool[i]);
}

void mw_probes_free(mw_probes *ps)
{
    if (!ps) return;
    mw_probes_stop(ps);
    pthread_mutex_destroy(&ps->lock);
    for (size_t i = 0; ps->folders && ps->folders[i]; i++) mw_free(ps->folders[i]);
    mw_free(ps->folders);
    mw_free(ps);
}

void mw_probes_allow(mw_probes *ps, const char *const *folders, size_t n)
{
    ps->folders = mw_array(n + 1, sizeof *ps->folders);
    for (size_t i = 0; i < n; i++) ps->folders[i] = mw_strdup(folders[i]);
    ps->folders[n] = NULL;
}

void mw_probes_offer(mw_probes *ps, mw_host *host)
{
    for (size_t i = 0; i < KINDS; i++) mw_host_add_op(host, ps->kind[i].name, &ps->kind[i], ask);
}
