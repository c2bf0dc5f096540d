/* pool.c - one ring, one lock, N threads.
 *
 * An elastic pool begins a thread when more work waits than threads do.  Which threads are woken is
 * the system's business, and under steady work each of them is now and then, so none would ever be
 * idle for long: how many stay is therefore said by how many were at work at a time lately.  A
 * thread that ends leaves its slot for the next one, which joins it.
 * SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

enum { STACK = 512 << 10 }; /* of a thread of an elastic pool: there may be many */

struct task {
    mw_job *job;
    void *arg;
};

enum slot { FREE, LIVE, ENDED };

struct worker {
    mw_pool *pool;
    pthread_t thread;
    enum slot slot;
};

struct mw_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct task *ring;
    size_t size, head, waiting;
    bool stop;
    char name[16];
    unsigned least, most, live, idle;
    unsigned busiest, before;   /* at work at a time, since LOOKED and in the period before it */
    int64_t looked_ns, look_ns; /* when it was looked, and how often it is */
    struct worker worker[];
};

/* -- how many ------------------------------------------------------------------------------- */

static void look(mw_pool *p)
{
    int64_t now = mw_mono_ns();
    if (now - p->looked_ns < p->look_ns) return;
    p->before = p->busiest;
    p->busiest = p->live - p->idle;
    p->looked_ns = now;
}

static bool is_too_many(mw_pool *p)
{
    look(p);
    unsigned needed = p->busiest > p->before ? p->busiest : p->before;
    return p->live > p->least && p->live > needed + needed / 4 + p->least;
}

static void wait_for_work(mw_pool *p)
{
    if (p->live <= p->least) {
        pthread_cond_wait(&p->wake, &p->lock);
        return;
    }
    int64_t at = mw_mono_ns() + p->look_ns;
    struct timespec until = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};
    pthread_cond_timedwait(&p->wake, &p->lock, &until);
}

/* -- a thread ------------------------------------------------------------------------------- */

static bool next_task(mw_pool *p, struct task *out)
{
    p->idle++;
    while (!p->waiting && !p->stop && !is_too_many(p)) wait_for_work(p);
    p->idle--;
    if (!p->waiting) return false;
    *out = p->ring[p->head];
    p->head = (p->head + 1) % p->size;
    p->waiting--;
    if (p->live - p->idle > p->busiest) p->busiest = p->live - p->idle;
    return true;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    mw_pool *p = w->pool;
    struct task t;
    pthread_mutex_lock(&p->lock);
    while (next_task(p, &t)) {
        pthread_mutex_unlock(&p->lock);
        t.job(t.arg);
        pthread_mutex_lock(&p->lock);
    }
    p->live--;
    w->slot = ENDED;
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static bool begin(mw_pool *p, struct worker *w, const pthread_attr_t *attr)
{
    if (w->slot == ENDED) pthread_join(w->thread, NULL);
    w->pool = p;
    w->slot = FREE;
    if (pthread_create(&w->thread, attr, work, w) != 0) return false;
    pthread_setname_np(w->thread, p->name);
    w->slot = LIVE;
    p->live++;
    return true;
}

/* One more.  When the system gives none, those that there are have to do. */
static void grow(mw_pool *p)
{
    pthread_attr_t attr;
    sigset_t all, before;
    unsigned i = 0;
    while (i < p->most && p->worker[i].slot == LIVE) i++;
    if (i == p->most) return;
    pthread_attr_init(&attr);
    if (p->most > p->least) pthread_attr_setstacksize(&attr, STACK);
    sigfillset(&all); /* signals belong to the main thread */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool begun = begin(p, &p->worker[i], &attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    MW_ASSERT(begun || p->live > 0);
}

/* -- the pool ------------------------------------------------------------------------------- */

mw_pool *mw_pool_elastic(const char *name, unsigned least, unsigned most, size_t queue, int look_ms)
{
    mw_pool *p = mw_zalloc(sizeof *p + most * sizeof *p->worker);
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &attr);
    pthread_condattr_destroy(&attr);
    p->ring = mw_array(queue, sizeof *p->ring);
    p->size = queue;
    p->least = least;
    p->most = most;
    p->looked_ns = mw_mono_ns();
    p->look_ns = (int64_t)look_ms * 1000000;
    for (size_t i = 0; i < sizeof p->name - 1 && name[i]; i++) p->name[i] = name[i];
    pthread_mutex_lock(&p->lock);
    while (p->live < least) grow(p);
    pthread_mutex_unlock(&p->lock);
    return p;
}

mw_pool *mw_pool_new(const char *name, unsigned threads, size_t queue)
{
    return mw_pool_elastic(name, threads, threads, queue, 0);
}

static bool was_begun(mw_pool *p, unsigned i)
{
    pthread_mutex_lock(&p->lock);
    bool begun = p->worker[i].slot != FREE;
    pthread_mutex_unlock(&p->lock);
    return begun;
}

void mw_pool_free(mw_pool *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->most; i++)
        if (was_begun(p, i)) pthread_join(p->worker[i].thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    mw_free(p->ring);
    mw_free(p);
}

int mw_pool_add(mw_pool *p, mw_job *job, void *arg)
{
    pthread_mutex_lock(&p->lock);
    bool full = p->waiting == p->size || p->stop;
    if (!full) {
        p->ring[(p->head + p->waiting++) % p->size] = (struct task){job, arg};
        if (p->waiting > p->idle && p->live < p->most) grow(p);
        pthread_cond_signal(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
    return full ? MW_EBUSY : MW_OK;
}

size_t mw_pool_waiting(mw_pool *p)
{
    pthread_mutex_lock(&p->lock);
    size_t n = p->waiting;
    pthread_mutex_unlock(&p->lock);
    return n;
}

size_t mw_pool_threads(mw_pool *p)
{
    pthread_mutex_lock(&p->lock);
    size_t n = p->live;
    pthread_mutex_unlock(&p->lock);
    return n;
}
