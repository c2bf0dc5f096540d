/* run.c - one evaluation's budget, clock and way out.  SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "promql/eval.h"

enum { WORK_PER_LOOK = 1 << 18 };

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
    size_t most = r->opt->max_samples, own = r->query->max_samples;
    if (own && own < most) most = own;
    r->samples += samples;
    if (r->samples > most)
        mw_pq_throw(r, MW_ELIMIT,
                    "query processing would load too many samples into memory in expression "
                    "evaluation: more than %zu",
                    most);
    mw_pq_tick(r, samples);
}
