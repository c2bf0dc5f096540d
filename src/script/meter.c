/* meter.c - sums and limits.  SPDX-License-Identifier: MIT */
#include "script/meter.h"

#include "base/mem.h"

mw_meter *mw_meter_new(const mw_usage *limit)
{
    mw_meter *m = mw_zalloc(sizeof *m);
    m->holders = 1;
    m->limit = *limit;
    return m;
}

mw_meter *mw_meter_retain(mw_meter *m)
{
    if (m) m->holders++;
    return m;
}

void mw_meter_release(mw_meter *m)
{
    if (m && --m->holders == 0) mw_free(m);
}

void mw_meter_begin(mw_meter *m)
{
    m->now = (mw_usage){0};
    m->exceeded = false;
}

void mw_meter_ran(mw_meter *m, uint64_t instructions, uint64_t memory)
{
    if (!m) return;
    m->now.instructions += instructions;
    m->total.instructions += instructions;
    if (memory > m->now.memory) m->now.memory = memory;
    if (memory > m->total.memory) m->total.memory = memory;
}

void mw_meter_queried(mw_meter *m, double seconds, uint64_t samples)
{
    if (!m) return;
    m->now.queries++;
    m->total.queries++;
    m->now.query_seconds += seconds;
    m->total.query_seconds += seconds;
    m->now.query_samples += samples;
    m->total.query_samples += samples;
}

int mw_meter_emit(mw_meter *m, uint64_t n, mw_err *err)
{
    if (!m) return MW_OK;
    if (m->limit.emissions && n > m->limit.emissions - m->now.emissions) {
        m->exceeded = true;
        return mw_fail(err, MW_ELIMIT, 0, 0, "used up its %llu emissions",
                       (unsigned long long)m->limit.emissions);
    }
    m->now.emissions += n;
    m->total.emissions += n;
    return MW_OK;
}

static int no_seconds(mw_meter *m, mw_err *err)
{
    m->exceeded = true;
    return mw_fail(err, MW_ELIMIT, 0, 0, "its queries used up their %g seconds",
                   m->limit.query_seconds);
}

static int no_samples(mw_meter *m, mw_err *err)
{
    m->exceeded = true;
    return mw_fail(err, MW_ELIMIT, 0, 0, "its queries used up their %llu samples",
                   (unsigned long long)m->limit.query_samples);
}

int mw_meter_seconds(mw_meter *m, double def, double *out, mw_err *err)
{
    *out = def;
    if (!m || !(m->limit.query_seconds > 0)) return MW_OK;
    *out = m->limit.query_seconds - m->now.query_seconds;
    return *out > 0 ? MW_OK : no_seconds(m, err);
}

int mw_meter_samples(mw_meter *m, size_t *out, mw_err *err)
{
    *out = 0;
    if (!m || !m->limit.query_samples) return MW_OK;
    if (m->now.query_samples >= m->limit.query_samples) return no_samples(m, err);
    *out = (size_t)(m->limit.query_samples - m->now.query_samples);
    return MW_OK;
}

void mw_meter_explain(mw_meter *m, int rc, mw_err *err)
{
    if (!m || !err) return;
    bool late = rc == MW_ETIMEOUT && m->limit.query_seconds > 0;
    bool many = rc == MW_ELIMIT && m->limit.query_samples;
    if (!late && !many) return;
    mw_err_init(err);
    if (late)
        no_seconds(m, err);
    else
        no_samples(m, err);
}
