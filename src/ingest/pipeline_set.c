/* pipeline_set.c - sets of pipelines, and where the one in use is.
 *
 * Whoever holds a set keeps it: another one takes its place without waiting for requests that are
 * under way.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "base/mem.h"
#include "ingest/pipeline.h"

mw_pipes *mw_pipes_new(size_t n)
{
    mw_pipes *p = mw_zalloc(sizeof *p);
    p->pipe = mw_array(n + 1, sizeof *p->pipe);
    p->n = n;
    p->refs = 1;
    return p;
}

static void free_names(mw_names *names)
{
    for (size_t i = 0; i < names->n; i++) mw_free((char *)names->name[i].p);
    mw_free(names->name);
}

static void free_condition(mw_condition *c)
{
    for (size_t i = 0; i < c->n; i++) mw_matcher_deinit(&c->matcher[i]);
    mw_free(c->matcher);
}

static void free_pipe(mw_pipe *p)
{
    mw_names *all[] = {&p->remove, &p->renamed, &p->rename, &p->set, &p->values, &p->fields};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free_names(all[i]);
    for (size_t i = 0; i < p->n_drop; i++) free_condition(&p->drop[i]);
    for (size_t i = 0; i < p->n_regex; i++) mw_regex_free(p->regex[i]);
    for (size_t i = 0; i < p->n_match; i++) free_condition(&p->match[i]);
    mw_free(p->match);
    mw_free(p->drop);
    mw_free(p->regex);
    mw_free(p->name);
    mw_free((char *)p->with.p);
    mw_hmac_free(p->hash);
}

void mw_pipes_release(mw_pipes *p)
{
    if (!p || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL)) return;
    for (size_t i = 0; i < p->n; i++) free_pipe(&p->pipe[i]);
    mw_free(p->pipe);
    mw_free(p);
}

struct mw_pipe_slot {
    pthread_mutex_t lock;
    mw_pipes *now;
    mw_registry *registry;
};

mw_registry *mw_pipe_slot_registry(const mw_pipe_slot *s) { return s->registry; }

mw_pipe_slot *mw_pipe_slot_new(mw_registry *reg)
{
    mw_pipe_slot *s = mw_zalloc(sizeof *s);
    s->registry = reg;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void mw_pipe_slot_free(mw_pipe_slot *s)
{
    if (!s) return;
    mw_pipes_release(s->now);
    pthread_mutex_destroy(&s->lock);
    mw_free(s);
}

void mw_pipe_slot_put(mw_pipe_slot *s, mw_pipes *take)
{
    pthread_mutex_lock(&s->lock);
    mw_pipes *before = s->now;
    s->now = take;
    pthread_mutex_unlock(&s->lock);
    mw_pipes_release(before);
}

const mw_pipes *mw_pipe_slot_hold(mw_pipe_slot *s)
{
    if (!s) return NULL;
    pthread_mutex_lock(&s->lock);
    mw_pipes *p = s->now;
    if (p) __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&s->lock);
    return p;
}

void mw_pipe_slot_leave(mw_pipe_slot *s, const mw_pipes *held)
{
    (void)s;
    mw_pipes_release((mw_pipes *)held);
}
