/* ahead_coming.c - a queue and one thread.
 *
 * Who wants a window that has not begun makes it himself, so that both work through the same line.
 * SPDX-License-Identifier: MIT */
#include "script/ahead_coming.h"

#include <pthread.h>
#include <signal.h>

#include "base/mem.h"

enum { MOST_POINTS = 16 << 20 };

struct mw_coming_job {
    mw_coming_job *next;
    mw_str expr; /* owned */
    mw_window_ask ask;
    size_t points;
    mw_window *window;
    int rc;
    bool running, done;
    volatile int cancel;
};

struct mw_coming {
    mw_host *host;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    mw_coming_job *first, **last; /* that wait */
    size_t points;                /* of all jobs */
    bool ending;
};

static void job_free(mw_coming *c, mw_coming_job *j)
{
    c->points -= j->points;
    mw_window_free(j->window);
    mw_free((char *)j->expr.p);
    mw_free(j);
}

static void leave_line(mw_coming *c, mw_coming_job *j)
{
    mw_coming_job **at = &c->first;
    while (*at != j) at = &(*at)->next;
    *at = j->next;
    if (!*at) c->last = at;
}

/* -- the thread -------------------------------------------------------------------------------- */

/* Of those that are wanted first the last in line: who wants them begins with the first, and the
 * two meet in the middle. */
static mw_coming_job *best(const mw_coming *c)
{
    mw_coming_job *found = c->first;
    for (mw_coming_job *j = found; j; j = j->next)
        if (j->ask.start <= found->ask.start) found = j;
    return found;
}

static mw_coming_job *next(mw_coming *c)
{
    while (!c->first && !c->ending) pthread_cond_wait(&c->changed, &c->lock);
    if (c->ending) return NULL;
    mw_coming_job *j = best(c);
    leave_line(c, j);
    j->running = true;
    return j;
}

static void *work(void *arg)
{
    mw_coming *c = arg;
    pthread_mutex_lock(&c->lock);
    for (mw_coming_job *j; (j = next(c));) {
        pthread_mutex_unlock(&c->lock);
        int rc = mw_window_open(c->host, NULL, j->expr, &j->ask, &j->cancel, &j->window);
        pthread_mutex_lock(&c->lock);
        j->rc = rc;
        j->done = true;
        pthread_cond_broadcast(&c->changed);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

mw_coming *mw_coming_new(mw_host *host)
{
    mw_coming *c = mw_zalloc(sizeof *c);
    sigset_t all, before;
    c->host = host;
    c->last = &c->first;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    MW_ASSERT(pthread_create(&c->thread, NULL, work, c) == 0);
    pthread_setname_np(c->thread, "mw-ahead");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return c;
}

void mw_coming_free(mw_coming *c)
{
    if (!c) return;
    pthread_mutex_lock(&c->lock);
    c->ending = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    mw_free(c);
}

/* -- for who asks ------------------------------------------------------------------------------ */

mw_coming_job *mw_coming_add(mw_coming *c, mw_str expr, const mw_window_ask *ask, size_t points)
{
    mw_coming_job *j = NULL;
    pthread_mutex_lock(&c->lock);
    if (points <= MOST_POINTS - c->points) {
        j = mw_zalloc(sizeof *j);
        j->expr = (mw_str){mw_strndup(expr.p, expr.n), expr.n};
        j->ask = *ask;
        j->points = points;
        c->points += points;
        *c->last = j;
        c->last = &j->next;
        pthread_cond_broadcast(&c->changed);
    }
    pthread_mutex_unlock(&c->lock);
    return j;
}

bool mw_coming_take(mw_coming *c, mw_coming_job *j, const mw_window_ask *ask, int *rc,
                    mw_window **out)
{
    pthread_mutex_lock(&c->lock);
    bool wanted = ask && mw_window_same(ask, &j->ask) && j->running;
    if (!j->running) leave_line(c, j);
    if (!wanted) __atomic_store_n(&j->cancel, 1, __ATOMIC_RELAXED);
    while (j->running && !j->done) pthread_cond_wait(&c->changed, &c->lock);
    if (wanted) {
        *rc = j->rc;
        *out = j->window;
        j->window = NULL;
    }
    job_free(c, j);
    pthread_mutex_unlock(&c->lock);
    return wanted;
}
