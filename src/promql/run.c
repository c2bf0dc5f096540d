/* run.c - one evaluation's budget, clock, notes and way out.  SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "promql/eval.h"

enum { WORK_PER_LOOK = 1 << 18, NOTES_MAX = 10 };

void mw_pq_throw(struct run *r, int code, const char *fmt, ...)
{
    char msg[sizeof r->err->msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    mw_fail(r->err, code, 0, 0, "%s", msg);
    longjmp(r->exit, code);
}

void mw_pq_no_room(struct run *r)
{
    mw_pq_throw(r, MW_ELIMIT,
                "query needs more than its %zu MiB of memory: select fewer series, a shorter "
                "range or a larger step",
                r->opt->max_bytes >> 20);
}

void *mw_pq_alloc(struct run *r, size_t n, size_t size)
{
    size_t total;
    void *p = NULL;
    if (!__builtin_mul_overflow(n, size, &total)) p = mw_arena_alloc(r->arena, total ? total : 1);
    if (!p) mw_pq_no_room(r);
    mw_pq_tick(r, total / 8 + 1);
    return p;
}

static bool is_set(const volatile int *flag)
{
    return flag && __atomic_load_n(flag, __ATOMIC_RELAXED);
}

void mw_pq_tick(struct run *r, size_t work)
{
    r->work += work;
    if (r->work < WORK_PER_LOOK) return;
    r->work = 0;
    if (is_set(r->query->cancel) || is_set(r->stop))
        mw_pq_throw(r, MW_ECANCEL, "query was canceled in expression evaluation");
    if (r->query->deadline_mono_ns && mw_mono_ns() > r->query->deadline_mono_ns)
        mw_pq_throw(r, MW_ETIMEOUT, "query timed out in expression evaluation");
}

void mw_pq_read(struct run *r, size_t samples)
{
    r->samples += samples;
    if (r->samples > r->opt->max_samples)
        mw_pq_throw(r, MW_ELIMIT,
                    "query processing would load too many samples into memory in expression "
                    "evaluation: more than %zu",
                    r->opt->max_samples);
    mw_pq_tick(r, samples);
}

void mw_pq_note_quantile(struct ev *e, const struct node *arg, const double *q)
{
    for (size_t i = 0; i < e->n; i++)
        if (!(q[i] >= 0 && q[i] <= 1))
            mw_pq_note(e->run, PQ_WARNING, arg,
                       "PromQL warning: quantile value should be between 0 and 1, got %s%g",
                       q[i] == INFINITY ? "+" : "", q[i]);
}

void mw_pq_note(struct run *r, int kind, const struct node *node, const char *fmt, ...)
{
    char msg[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    if (n >= (int)sizeof msg) n = sizeof msg - 1;
    if (node) {
        int line, col;
        mw_pq_place(r->src, node->pos, &line, &col);
        snprintf(msg + n, sizeof msg - (size_t)n, " (%d:%d)", line, col);
    }
    if (r->n_notes[kind] == NOTES_MAX) return;
    for (size_t i = 0; i < r->n_notes[kind]; i++)
        if (!strcmp(r->notes[kind][i], msg)) return;
    size_t len = strlen(msg);
    char *kept = mw_pq_alloc(r, len + 1, 1);
    memcpy(kept, msg, len + 1);
    MW_PUSH(r->notes[kind], r->n_notes[kind], r->notes_cap[kind], kept);
}
