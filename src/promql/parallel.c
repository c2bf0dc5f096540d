/* parallel.c - one selection read by two threads.
 *
 * Each piece is an evaluation of its own: arena, notes, budget and way out.  Pieces are cut by
 * place and joined in order, so that the same query gives the same sums each time.
 * SPDX-License-Identifier: MIT */
#include "promql/parallel.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "promql/trace.h"

enum { PIECES = 2, CELLS_THAT_PAY = 1 << 17, SERIES_THAT_PAY = 1 << 12 };

struct piece {
    struct run run;
    struct ev ev;
    mw_err err;
    const struct node *n;
    const struct want *want;
    pq_piece_begin *begin;
    pq_row_fn *fn;
    void *arg;
    void *made;
    int code;
};

static void compute(struct piece *p)
{
    p->made = p->begin(&p->ev, p->arg);
    mw_pq_each_row(&p->ev, p->n, p->want, p->fn, p->made);
}

static void *run_piece(void *arg)
{
    struct piece *p = arg;
    p->code = setjmp(p->run.exit);
    if (p->code == 0) compute(p);
    return NULL;
}

/* What is left of the budget, shared out: pieces and the whole are in memory together. */
static size_t share_of_budget(const struct run *r)
{
    size_t used = mw_arena_used(r->arena), all = r->opt->max_bytes;
    return all > used ? (all - used) / PIECES + 1 : 1;
}

/* Nothing fails here, so that nothing that was begun is forgotten. */
static void start_piece(struct piece *p, struct ev *e, struct trace *trace, size_t i)
{
    struct run *r = e->run;
    p->run = (struct run){.source = r->source,
                          .opt = r->opt,
                          .query = r->query,
                          .src = r->src,
                          .stop = r->stop,
                          .trace = trace,
                          .err = &p->err,
                          .samples = r->samples,
                          .typed = r->typed,
                          .names_go = r->names_go,
                          .piece = true};
    mw_err_init(&p->err);
    p->run.arena = mw_arena_new(share_of_budget(r));
    p->run.given = r->open->piece(r->open, i, PIECES, p->run.arena);
    p->run.given_to = mw_pq_stream_source(p->n);
    p->ev = *e;
    p->ev.run = &p->run;
}

static void end_piece(struct piece *p)
{
    mw_pq_close_run(&p->run);
    mw_arena_free(p->run.arena);
}

static long number_of_cores(void)
{
    static long known; /* atomic */
    long n = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (n) return n;
    n = sysconf(_SC_NPROCESSORS_ONLN);
    __atomic_store_n(&known, n, __ATOMIC_RELAXED);
    return n;
}

/* Is there more than one core, and enough to do for it? */
static bool pays(const mw_series_set *set, size_t steps)
{
    if (!set->piece || number_of_cores() < 2) return false;
    return set->at_most >= SERIES_THAT_PAY || set->at_most * steps >= CELLS_THAT_PAY;
}

static void take_over(struct ev *e, struct piece *p, pq_piece_end *end, void *arg)
{
    struct run *r = e->run;
    size_t before = r->samples;
    for (size_t i = 0; i < PIECES; i++) {
        if (p[i].code) {
            *r->err = p[i].err;
            longjmp(r->exit, p[i].code);
        }
        r->samples += p[i].run.samples - before;
    }
    for (size_t i = 0; r->trace && i < PIECES; i++) mw_pq_trace_join(r, &p[i].run, PIECES);
    mw_pq_read(r, 0);
    for (size_t i = 0; i < PIECES; i++) {
        end(p[i].made, arg);
        mw_pq_notes_take(r, &p[i].run);
    }
}

/* What the pieces hold goes, even when taking it over fails. */
static int guarded(struct ev *e, struct piece *p, pq_piece_end *end, void *arg)
{
    int code = setjmp(e->run->exit);
    if (code == 0) take_over(e, p, end, arg);
    return code;
}

static void run_all(struct piece *p)
{
    pthread_t thread[PIECES];
    bool started[PIECES] = {false};
    for (size_t i = 1; i < PIECES; i++)
        started[i] = pthread_create(&thread[i], NULL, run_piece, &p[i]) == 0;
    run_piece(&p[0]);
    for (size_t i = 1; i < PIECES; i++) {
        if (started[i])
            pthread_join(thread[i], NULL);
        else
            run_piece(&p[i]);
    }
}

bool mw_pq_rows_in_pieces(struct ev *e, const struct node *n, const struct want *want,
                          pq_piece_begin *begin, pq_row_fn *fn, pq_piece_end *end, void *arg)
{
    struct run *r = e->run;
    const struct node *source = mw_pq_stream_source(n);
    if (r->piece || r->given) return false; /* within a row of what is waiting to be read */
    int64_t began = r->trace ? mw_mono_ns() : 0;
    mw_pq_open(e, source, want);
    if (r->trace) mw_pq_trace_opened_for(r, n, mw_mono_ns() - began);
    if (!pays(r->open, e->n)) {
        r->given = r->open; /* for the caller, who reads it alone */
        r->given_to = source;
        r->open = NULL;
        return false;
    }
    struct piece *p = mw_pq_alloc(r, PIECES, sizeof *p);
    struct trace *trace[PIECES];
    for (size_t i = 0; i < PIECES; i++) trace[i] = mw_pq_trace_piece(r);
    for (size_t i = 0; i < PIECES; i++) {
        p[i] = (struct piece){.n = n, .want = want, .begin = begin, .fn = fn, .arg = arg};
        start_piece(&p[i], e, trace[i], i);
    }
    run_all(p);
    jmp_buf exit;
    memcpy(&exit, &r->exit, sizeof exit);
    int code = guarded(e, p, end, arg);
    memcpy(&r->exit, &exit, sizeof exit);
    for (size_t i = 0; i < PIECES; i++) end_piece(&p[i]);
    r->open->close(r->open);
    r->open = NULL;
    if (code) longjmp(r->exit, code);
    return true;
}
