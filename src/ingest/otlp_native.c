/* otlp_native.c - exponential histograms of OTLP as native histograms of Prometheus.
 *
 * Bucket i of OTLP covers (base^i, base^(i+1)], the one of Prometheus (base^(i-1), base^i]: the
 * index grows by one.  Scales above 8 are brought down by merging 2^(scale - 8) buckets into one.
 * Empty buckets at most GAP in a row are written, longer runs begin a new span.
 * SPDX-License-Identifier: MIT */
#include "ingest/otlp_points.h"
#include "model/sample.h"

enum { GAP = 2, MOST = 1 << 30, MOST_DOWN = 62 };

static const double zero_width = 1e-128; /* of the bucket at zero, when the sender says none */

struct side {
    mw_hspan *spans;
    double *counts;
    uint32_t n_spans, n_counts;
    int64_t next; /* index behind the last bucket */
};

static void put(struct side *s, int64_t index, double count)
{
    int64_t gap = index - s->next;
    if (!s->n_spans || gap > GAP) {
        s->spans[s->n_spans++] = (mw_hspan){(int32_t)gap, 0};
    } else {
        for (; gap; gap--) {
            s->counts[s->n_counts++] = 0;
            s->spans[s->n_spans - 1].length++;
        }
    }
    s->counts[s->n_counts++] = count;
    s->spans[s->n_spans - 1].length++;
    s->next = index + 1;
}

/* N buckets from OFFSET on, 2^DOWN of them in one. */
static const char *convert(const int64_t *counts, size_t n, int64_t offset, int down, mw_arena *a,
                           mw_hside *out)
{
    struct side s = {0};
    if (!n) return NULL;
    if (n > MOST || offset > MOST || offset < -MOST) return "has buckets beyond any number";
    s.spans = mw_arena_array(a, n, sizeof *s.spans);
    s.counts = mw_arena_array(a, n, sizeof *s.counts);
    if (!s.spans || !s.counts) return "has too many buckets";
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t index = (offset + (int64_t)i) >> down;
        sum += (double)(uint64_t)counts[i];
        if (i + 1 < n && (offset + (int64_t)i + 1) >> down == index) continue;
        if (sum > 0) put(&s, index + 1, sum);
        sum = 0;
    }
    *out = (mw_hside){s.spans, s.counts, s.n_spans, s.n_counts};
    return NULL;
}

const char *mw_otlp_native(const mw_otlp_point *in, mw_arena *a, mw_nhist *out)
{
    int down = in->scale <= MW_HIST_SCHEMA_MAX ? 0 : MOST_DOWN;
    *out = (mw_nhist){.sum = mw_stale()};
    if (in->flags & MW_OTLP_NO_RECORDED_VALUE) return NULL;
    if (in->scale < MW_HIST_SCHEMA_MIN) return "has a scale below -4";
    if (in->scale > MW_HIST_SCHEMA_MAX && in->scale - MW_HIST_SCHEMA_MAX < MOST_DOWN)
        down = in->scale - MW_HIST_SCHEMA_MAX;
    *out = (mw_nhist){
        .schema = (int8_t)(down ? MW_HIST_SCHEMA_MAX : in->scale),
        .count = (double)(uint64_t)in->count,
        .sum = in->has & MW_OTLP_VALUE ? in->value : 0,
        .zero_threshold = in->zero_threshold > 0 ? in->zero_threshold : zero_width,
        .zero_count = (double)(uint64_t)in->zero_count,
    };
    const char *wrong = convert(in->buckets, in->n_buckets, in->offset, down, a, &out->pos);
    if (!wrong)
        wrong = convert(in->negative, in->n_negative, in->negative_offset, down, a, &out->neg);
    if (wrong) return wrong;
    return mw_nhist_check(out, NULL) ? "is no histogram: its buckets do not fit its count" : NULL;
}
