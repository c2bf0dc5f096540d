/* lane.c - a queue, two threads, and jobs that belong to two: who asked, and the lane.
 *
 * A job is freed by the last of the two to let go of it.  What a job holds is written by its thread
 * before the reply and read by who asked after it; the lock of the lane stands between.
 * SPDX-License-Identifier: MIT */
#include "script/lane.h"

#include <pthread.h>
#include <signal.h>

#include "base/mem.h"

enum { THREADS = 2 };

struct mw_lane_job {
    mw_lane_job *next;
    mw_promql_query query; /* expr is owned */
    int64_t time_ns, took_ns;
    volatile int cancel;
    int holders; /* atomic */
    mw_promql_result *result;
    mw_err err;
    mw_reply *reply;
    void *reply_arg;
};

struct mw_lane {
    mw_host *host;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    mw_lane_job *first, **last; /* that wait */
    mw_lane_job *running[THREADS];
    pthread_t thread[THREADS];
    size_t n_threads;
    bool ending;
};

/* -- jobs ------------------------------------------------------------------------------------ */

static void let_go(mw_lane_job *j)
{
    if (__atomic_sub_fetch(&j->holders, 1, __ATOMIC_ACQ_REL)) return;
    mw_promql_result_free(j->result);
    mw_free((char *)j->query.expr.p);
    mw_free(j);
}

static void cancel(mw_lane_job *j) { __atomic_store_n(&j->cancel, 1, __ATOMIC_RELAXED); }
static bool is_cancelled(mw_lane_job *j) { return __atomic_load_n(&j->cancel, __ATOMIC_RELAXED); }

void mw_lane_release(mw_lane_job *j)
{
    if (!j) return;
    cancel(j);
    let_go(j);
}

mw_promql_result *mw_lane_take(mw_lane_job *j, mw_err *err)
{
    mw_promql_result *r = j->result;
    j->result = NULL;
    if (!r) mw_fail(err, j->err.code, j->err.line, j->err.col, "%s", j->err.msg);
    return r;
}

double mw_lane_seconds(const mw_lane_job *j) { return (double)j->took_ns / 1e9; }

static void end(mw_lane_job *j)
{
    j->reply(j->reply_arg, mw_map_new());
    let_go(j);
}

static void ask(mw_lane *l, mw_lane_job *j)
{
    int64_t start = mw_mono_ns();
    j->query.deadline_mono_ns = start + j->time_ns;
    int rc = is_cancelled(j)
                 ? MW_ECANCEL
                 : mw_promql_eval(l->host->promql, l->host->source, &j->query, &j->result, &j->err);
    if (rc != MW_OK) mw_fail(&j->err, rc, 0, 0, "%s", mw_code_text(rc));
    j->took_ns = mw_mono_ns() - start;
}

/* -- the threads ----------------------------------------------------------------------------- */

static mw_lane_job *next(mw_lane *l)
{
    while (!l->first && !l->ending) pthread_cond_wait(&l->changed, &l->lock);
    mw_lane_job *j = l->first;
    if (!j) return NULL;
    l->first = j->next;
    if (!l->first) l->last = &l->first;
    if (l->ending) cancel(j);
    return j;
}

static void *work(void *arg)
{
    mw_lane *l = arg;
    pthread_mutex_lock(&l->lock);
    size_t me = 0;
    while (!pthread_equal(l->thread[me], pthread_self())) me++;
    for (mw_lane_job *j; (j = next(l));) {
        l->running[me] = j;
        pthread_mutex_unlock(&l->lock);
        ask(l, j);
        pthread_mutex_lock(&l->lock);
        l->running[me] = NULL; /* before who asked may let go of it */
        pthread_mutex_unlock(&l->lock);
        end(j);
        pthread_mutex_lock(&l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* Under the lock, so that a thread finds itself among the others. */
static void start(mw_lane *l)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (; l->n_threads < THREADS; l->n_threads++) {
        MW_ASSERT(pthread_create(&l->thread[l->n_threads], NULL, work, l) == 0);
        pthread_setname_np(l->thread[l->n_threads], "slow rules");
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* -- for who asks ---------------------------------------------------------------------------- */

mw_lane *mw_lane_new(mw_host *host)
{
    mw_lane *l = mw_zalloc(sizeof *l);
    l->host = host;
    l->last = &l->first;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    return l;
}

void mw_lane_free(mw_lane *l)
{
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    l->ending = true;
    for (size_t i = 0; i < THREADS; i++)
        if (l->running[i]) cancel(l->running[i]);
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    for (size_t i = 0; i < l->n_threads; i++) pthread_join(l->thread[i], NULL);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    mw_free(l);
}

mw_lane_job *mw_lane_add(mw_lane *l, const mw_promql_query *query, double seconds, mw_reply *reply,
                         void *reply_arg)
{
    mw_lane_job *j = mw_zalloc(sizeof *j);
    j->query = *query;
    j->query.expr.p = mw_strndup(query->expr.p, query->expr.n);
    j->query.cancel = &j->cancel;
    j->time_ns = (int64_t)(seconds * 1e9);
    j->holders = 2;
    j->reply = reply;
    j->reply_arg = reply_arg;
    mw_err_init(&j->err);
    pthread_mutex_lock(&l->lock);
    if (!l->n_threads) start(l);
    *l->last = j;
    l->last = &j->next;
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->lock);
    return j;
}
