/* pool.c - one ring, one lock, N threads.  SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"

struct task {
    mw_job *job;
    void *arg;
};

struct mw_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct task *ring;
    size_t size, head, waiting;
    bool stop;
    unsigned threads;
    pthread_t thread[];
};

static bool next_task(mw_pool *p, struct task *out)
{
    pthread_mutex_lock(&p->lock);
    while (!p->waiting && !p->stop) pthread_cond_wait(&p->wake, &p->lock);
    bool got = p->waiting > 0;
    if (got) {
        *out = p->ring[p->head];
        p->head = (p->head + 1) % p->size;
        p->waiting--;
    }
    pthread_mutex_unlock(&p->lock);
    return got;
}

static void *work(void *arg)
{
    struct task t;
    while (next_task(arg, &t)) t.job(t.arg);
    return NULL;
}

mw_pool *mw_pool_new(const char *name, unsigned threads, size_t queue)
{
    sigset_t all, before;
    mw_pool *p = mw_zalloc(sizeof *p + threads * sizeof *p->thread);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    p->ring = mw_array(queue, sizeof *p->ring);
    p->size = queue;
    p->threads = threads;
    sigfillset(&all); /* signals belong to the main thread */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (unsigned i = 0; i < threads; i++) {
        MW_ASSERT(pthread_create(&p->thread[i], NULL, work, p) == 0);
        pthread_setname_np(p->thread[i], name);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p;
}

void mw_pool_free(mw_pool *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->threads; i++) pthread_join(p->thread[i], NULL);
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
