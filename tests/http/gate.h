/* gate.h - a source that waits until it is told to go on, and gives as much as a test wants.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_HTTP_GATE_H
#define MW_TESTS_HTTP_GATE_H
#include "world.h"

#include <math.h>
#include <pthread.h>

typedef struct gate {
    mw_source source; /* first */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned inside, cancelled, closed; /* selects that wait, that gave up; sets closed */
    unsigned given;                     /* series, by all sets */
    bool open;
    size_t series; /* that a set gives; the last one fails when FAILS */
    bool fails;
} gate;

typedef struct gate_set {
    mw_series_set set; /* first */
    gate *g;
    size_t at;
    mw_labels *ls;
    int64_t t[2000];
    double v[2000];
} gate_set;

static inline int gate_next(mw_series_set *set, mw_series_view *out, mw_err *err)
{
    gate_set *s = (gate_set *)set;
    char n[24];
    mw_label pairs[] = {{MW_STR("__name__"), MW_STR("wide")}, {MW_STR("n"), {n, 0}}};
    if (s->at == s->g->series)
        return s->g->fails ? mw_fail(err, MW_EIO, 0, 0, "the disk is gone") : 0;
    pairs[1].value.n = (size_t)snprintf(n, sizeof n, "%06zu", s->at++);
    mw_free(s->ls);
    s->ls = mw_labels_new(pairs, 2, err);
    for (int i = 0; i < 2000; i++) {
        s->t[i] = NOW_MS - 2000 + i;
        s->v[i] = sin(i + (double)s->at) * 1e9;
    }
    *out = (mw_series_view){.labels = s->ls, .n = 2000, .t = s->t, .v = s->v};
    pthread_mutex_lock(&s->g->lock);
    s->g->given++;
    pthread_cond_broadcast(&s->g->changed);
    pthread_mutex_unlock(&s->g->lock);
    return 1;
}

static inline void gate_close(mw_series_set *set)
{
    gate_set *s = (gate_set *)set;
    pthread_mutex_lock(&s->g->lock);
    s->g->closed++;
    pthread_cond_broadcast(&s->g->changed);
    pthread_mutex_unlock(&s->g->lock);
    mw_free(s->ls);
    mw_free(s);
}

static inline int gate_select(mw_source *self, const mw_select *sel, mw_series_set **out,
                              mw_err *err)
{
    gate *g = (gate *)self;
    int rc = MW_OK;
    pthread_mutex_lock(&g->lock);
    g->inside++;
    pthread_cond_broadcast(&g->changed);
    while (!g->open && !rc) {
        struct timespec soon;
        clock_gettime(CLOCK_REALTIME, &soon);
        soon.tv_nsec = (soon.tv_nsec + 1000000) % 1000000000; /* cancelling rings no bell */
        soon.tv_sec += soon.tv_nsec < 1000000;
        pthread_cond_timedwait(&g->changed, &g->lock, &soon);
        if (sel->cancel && __atomic_load_n(sel->cancel, __ATOMIC_RELAXED))
            rc = mw_fail(err, MW_ECANCEL, 0, 0, "cancelled");
    }
    g->inside--;
    g->cancelled += rc != MW_OK;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
    if (rc) return rc;
    gate_set *s = mw_zalloc(sizeof *s);
    s->set.next = gate_next;
    s->set.close = gate_close;
    s->g = g;
    *out = &s->set;
    return MW_OK;
}

static inline void gate_init(gate *g)
{
    *g = (gate){.source.select = gate_select};
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, NULL);
}

static inline void gate_open(gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static inline void gate_await(gate *g, const unsigned *what, unsigned n)
{
    struct timespec late;
    clock_gettime(CLOCK_REALTIME, &late);
    late.tv_sec += 20;
    pthread_mutex_lock(&g->lock);
    while (*what < n)
        if (pthread_cond_timedwait(&g->changed, &g->lock, &late)) fail_msg("waited in vain");
    pthread_mutex_unlock(&g->lock);
}

static inline world *gated(gate *g, mw_server_options o)
{
    gate_init(g);
    world *w = world_open(o);
    w->host.source = &g->source;
    return w;
}

static inline int begin(const world *w, const char *target)
{
    mw_buf b = {0};
    int fd = client_open(w);
    mw_buf_printf(&b, "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", target);
    client_send(fd, b.p, b.n);
    mw_buf_deinit(&b);
    return fd;
}

#endif
