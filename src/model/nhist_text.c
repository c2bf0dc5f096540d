/* nhist_text.c - native histograms as people and the API see them.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "model/nhist_math.h"

/* The API's numbers for which ends belong to a bucket. */
enum rule { OPEN_LEFT, OPEN_RIGHT, OPEN_BOTH, CLOSED_BOTH };

typedef struct bucket {
    enum rule rule;
    double lower, upper, count;
} bucket;

typedef void visit(void *arg, const bucket *b);

/* -- the buckets ---------------------------------------------------------------------------- */

/* Bounds away from zero belong to a bucket, those towards it do not. */
static enum rule rule_of(const mw_nhist *h, int64_t index, double lower, double upper)
{
    bool custom = h->schema == MW_HIST_CUSTOM;
    bool left = custom ? index == 0 : lower < 0, right = custom || upper > 0;
    if (left) return right ? CLOSED_BOTH : OPEN_RIGHT;
    return right ? OPEN_LEFT : OPEN_BOTH;
}

static void tell(const mw_nhist *h, int64_t index, int sign, double count, visit *v, void *arg)
{
    double near = mw_nhist_bound(h, index - 1), far = mw_nhist_bound(h, index);
    bucket b = {.lower = sign < 0 ? -far : near, .upper = sign < 0 ? -near : far, .count = count};
    if (count == 0) return;
    b.rule = rule_of(h, index, b.lower, b.upper);
    v(arg, &b);
}

static void each_positive(const mw_nhist *h, visit *v, void *arg)
{
    const mw_hside *s = &h->pos;
    int64_t index = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < s->n_spans; i++) {
        index += s->spans[i].offset;
        for (uint32_t k = 0; k < s->spans[i].length && at < s->n_counts; k++)
            tell(h, index++, 1, s->counts[at++], v, arg);
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
        for (uint32_t k = 0; k < s->spans[i].length && at > 0; k++)
            tell(h, --index, -1, s->counts[--at], v, arg);
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
    double zero; /* the zero bucket reaches this far */
    bool some;
};

/* With an exponent when very small or large: zero thresholds are. */
static void quoted(mw_buf *out, double v)
{
    char text[MW_DOUBLE_MAX];
    bool plain = v == 0 || (fabs(v) >= 1e-6 && fabs(v) < 1e21);
    int n = plain ? mw_double_fixed(v, text) : mw_double_general(v, text);
    mw_buf_byte(out, '"');
    mw_buf_add(out, text, (size_t)n);
    mw_buf_byte(out, '"');
}

/* The part of a bucket inside the zero bucket is not told twice. */
static void json_bucket(void *arg, const bucket *whole)
{
    struct json *j = arg;
    bucket part = *whole, *b = &part;
    if (b->upper < 0 && b->upper > -j->zero) b->upper = -j->zero;
    if (b->lower > 0 && b->lower < j->zero) b->lower = j->zero;
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
    struct json j = {.out = out, .zero = h->zero_threshold};
    mw_buf_text(out, "{\"count\":");
    quoted(out, h->count);
    mw_buf_text(out, ",\"sum\":");
    quoted(out, h->sum);
    each_bucket(h, json_bucket, &j);
    mw_buf_text(out, j.some ? "]}" : "}");
}

/* -- text ----------------------------------------------------------------------------------- */

/* An exponent from a million on. */
static void put_number(mw_buf *out, double v)
{
    char text[MW_DOUBLE_MAX], digits[MW_DOUBLE_MAX];
    int n = mw_double_general(v, text);
    if (!(fabs(v) >= 1e6 && fabs(v) < 1e21)) {
        mw_buf_add(out, text, (size_t)n);
        return;
    }
    const char *p = text;
    if (*p == '-') mw_buf_byte(out, *p++);
    size_t whole = strcspn(p, "."), count = 0;
    for (; *p; p++)
        if (*p != '.') digits[count++] = *p;
    while (count > 1 && digits[count - 1] == '0') count--;
    mw_buf_byte(out, digits[0]);
    if (count > 1) mw_buf_byte(out, '.');
    mw_buf_add(out, digits + 1, count - 1);
    mw_buf_text(out, whole > 10 ? "e+" : "e+0");
    mw_buf_int(out, (int64_t)whole - 1);
}

static void text_bucket(void *arg, const bucket *b)
{
    mw_buf *out = arg;
    bool left = b->rule == OPEN_LEFT || b->rule == OPEN_BOTH;
    bool right = b->rule == OPEN_RIGHT || b->rule == OPEN_BOTH;
    mw_buf_text(out, left ? ", (" : ", [");
    put_number(out, b->lower);
    mw_buf_byte(out, ',');
    put_number(out, b->upper);
    mw_buf_text(out, right ? "):" : "]:");
    put_number(out, b->count);
}

void mw_nhist_text(const mw_nhist *h, mw_buf *out)
{
    mw_buf_text(out, "{count:");
    put_number(out, h->count);
    mw_buf_text(out, ", sum:");
    put_number(out, h->sum);
    each_bucket(h, text_bucket, out);
    mw_buf_byte(out, '}');
}
