/* nhist_text.c - native histograms as people and the API see them.
 *
 * Bucket I of schema S ends at 2^(I * 2^-S); one with bounds of its own at bound I.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "model/nhist.h"

enum rule { OPEN_LEFT, OPEN_RIGHT, OPEN_BOTH, CLOSED_BOTH };

typedef struct bucket {
    enum rule rule;
    double lower, upper, count;
} bucket;

typedef void visit(void *arg, const bucket *b);

/* -- the buckets ---------------------------------------------------------------------------- */

static double exponential_bound(int schema, int64_t index)
{
    double bound = exp2(ldexp((double)index, -schema));
    return isinf(bound) ? DBL_MAX : bound; /* the last bucket that doubles can fill ends there */
}

/* The upper bound of bucket INDEX; beyond DBL_MAX it is infinity. */
static double bound_of(const mw_nhist *h, int64_t index)
{
    if (h->schema == MW_HIST_CUSTOM) {
        if (index < 0) return -INFINITY;
        return index < (int64_t)h->n_custom ? h->custom[index] : INFINITY;
    }
    double exponent = ldexp((double)index, -h->schema);
    return exponent > DBL_MAX_EXP ? INFINITY : exponential_bound(h->schema, index);
}

static void each_positive(const mw_nhist *h, visit *v, void *arg)
{
    const mw_hside *s = &h->pos;
    int64_t index = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < s->n_spans; i++) {
        index += s->spans[i].offset;
        for (uint32_t k = 0; k < s->spans[i].length && at < s->n_counts; k++, index++, at++) {
            bucket b = {OPEN_LEFT, bound_of(h, index - 1), bound_of(h, index), s->counts[at]};
            if (h->schema == MW_HIST_CUSTOM && index == 0) b.rule = CLOSED_BOTH;
            if (b.count != 0) v(arg, &b);
        }
    }
}

/* From the most negative one on, which is the last. */
static void each_negative(const mw_nhist *h, visit *v, void *arg)
{
    const mw_hside *s = &h->neg;
    int64_t index = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < s->n_spans; i++) {
        index += (int64_t)s->spans[i].offset + s->spans[i].length;
        at += s->spans[i].length;
    }
    for (uint32_t i = s->n_spans; i-- > 0; index -= s->spans[i].offset)
        for (uint32_t k = 0; k < s->spans[i].length && at > 0; k++) {
            index--;
            bucket b = {OPEN_RIGHT, -bound_of(h, index), -bound_of(h, index - 1), s->counts[--at]};
            if (b.count != 0) v(arg, &b);
        }
}

static void each_bucket(const mw_nhist *h, visit *v, void *arg)
{
    each_negative(h, v, arg);
    if (h->zero_count != 0) {
        bucket zero = {CLOSED_BOTH, -h->zero_threshold, h->zero_threshold, h->zero_count};
        v(arg, &zero);
    }
    each_positive(h, v, arg);
}

/* -- JSON ----------------------------------------------------------------------------------- */

struct json {
    mw_buf *out;
    bool some;
};

static void quoted(mw_buf *out, double v)
{
    mw_buf_byte(out, '"');
    mw_buf_double(out, v);
    mw_buf_byte(out, '"');
}

static void json_bucket(void *arg, const bucket *b)
{
    struct json *j = arg;
    mw_buf_text(j->out, j->some ? ",[" : ",\"buckets\":[[");
    j->some = true;
    mw_buf_int(j->out, b->rule);
    mw_buf_byte(j->out, ',');
    quoted(j->out, b->lower);
    mw_buf_byte(j->out, ',');
    quoted(j->out, b->upper);
    mw_buf_byte(j->out, ',');
    quoted(j->out, b->count);
    mw_buf_byte(j->out, ']');
}

void mw_nhist_json(const mw_nhist *h, mw_buf *out)
{
    struct json j = {.out = out};
    mw_buf_text(out, "{\"count\":");
    quoted(out, h->count);
    mw_buf_text(out, ",\"sum\":");
    quoted(out, h->sum);
    each_bucket(h, json_bucket, &j);
    mw_buf_text(out, j.some ? "]}" : "}");
}

/* -- text ----------------------------------------------------------------------------------- */

static void text_bucket(void *arg, const bucket *b)
{
    mw_buf *out = arg;
    bool left = b->rule == OPEN_LEFT || b->rule == OPEN_BOTH;
    bool right = b->rule == OPEN_RIGHT || b->rule == OPEN_BOTH;
    mw_buf_text(out, left ? ", (" : ", [");
    mw_buf_double(out, b->lower);
    mw_buf_byte(out, ',');
    mw_buf_double(out, b->upper);
    mw_buf_text(out, right ? "):" : "]:");
    mw_buf_double(out, b->count);
}

void mw_nhist_text(const mw_nhist *h, mw_buf *out)
{
    mw_buf_text(out, "{count:");
    mw_buf_double(out, h->count);
    mw_buf_text(out, ", sum:");
    mw_buf_double(out, h->sum);
    each_bucket(h, text_bucket, out);
    mw_buf_byte(out, '}');
}
