/* otlp_metrics.c - OTLP metrics into the store of samples, as Prometheus's OTLP endpoint does it.
 *
 * service.namespace/service.name become job, service.instance.id becomes instance; what else is
 * known of the resource is one series target_info.  A point is one thing to the sender: it is
 * accepted when all of its samples were, and the first refusal is its reason.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "ingest/otlp_names.h"
#include "ingest/otlp_schema.h"
#include "ingest/result.h"
#include "model/sample.h"

enum { CUMULATIVE = 2, NO_RECORDED_VALUE = 1, OWN_LABELS = 4 };

struct sink {
    mw_ingest *in;
    mw_appender *appender;
    mw_ingest_limits limits;
    mw_ingest_result *result;
    mw_arena *work;       /* of one point */
    mw_buf name;          /* of the metric at hand */
    mw_label identity[2]; /* job and instance of the resource at hand */
    size_t n_identity;
    int64_t newest; /* point of the resource at hand */
};

/* The labels of one point, with room behind them for those of its samples. */
struct point {
    mw_label *labels;
    size_t n;
    int64_t t;
    bool stale;
    int code; /* the first refusal of a sample */
    const mw_labels *refused;
};

/* -- labels --------------------------------------------------------------------------------- */

static mw_label *find(mw_label *l, size_t n, mw_str name)
{
    for (size_t i = 0; i < n; i++)
        if (mw_str_eq(l[i].name, name)) return &l[i];
    return NULL;
}

static bool reserved(const struct sink *s, mw_str name)
{
    if (mw_str_is(name, MW_METRIC_NAME)) return true;
    for (size_t i = 0; i < s->n_identity; i++)
        if (mw_str_eq(s->identity[i].name, name)) return true;
    return false;
}

static mw_str join(struct sink *s, mw_str a, mw_str b)
{
    char *text = mw_arena_alloc(s->work, a.n + b.n + 1);
    if (!text) return a;
    memcpy(text, a.p, a.n);
    text[a.n] = ';';
    memcpy(text + a.n + 1, b.p, b.n);
    return (mw_str){text, a.n + b.n + 1};
}

/* Attributes as labels behind job and instance; two that become the same name are joined by ';'.
 * NULL when there are too many, or the arena is full. */
static mw_label *labels_of(struct sink *s, const mw_attr *attrs, size_t n_attrs, size_t *n)
{
    if (n_attrs > s->limits.labels) return NULL;
    mw_label *l = mw_arena_array(s->work, n_attrs + 2 + OWN_LABELS, sizeof *l);
    if (!l) return NULL;
    memcpy(l, s->identity, s->n_identity * sizeof *l);
    *n = s->n_identity;
    for (size_t i = 0; i < n_attrs; i++) {
        mw_buf name;
        mw_buf_init(&name);
        mw_otlp_label_name(attrs[i].key, &name);
        mw_str key = {mw_arena_strndup(s->work, name.p ? name.p : "", name.n), name.n};
        mw_buf_deinit(&name);
        if (!key.p || !key.n || reserved(s, key)) continue;
        mw_str value = mw_otlp_attr_text(&attrs[i], s->work);
        mw_label *same = find(l, *n, key);
        if (same)
            same->value = join(s, same->value, value);
        else
            l[(*n)++] = (mw_label){key, value};
    }
    return l;
}

static const char *labels_wrong(const struct sink *s, const mw_label *l, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (l[i].name.n > s->limits.label_bytes || l[i].value.n > s->limits.label_bytes)
            return "has an attribute longer than a label may be";
    return NULL;
}

/* -- samples -------------------------------------------------------------------------------- */

/* One sample NAME+SUFFIX of P, with one more label when KEY is not NULL. */
static void emit(struct sink *s, struct point *p, const char *suffix, const char *key, mw_str value,
                 double v)
{
    mw_label *l = p->labels;
    size_t n = p->n;
    size_t tail = strlen(suffix);
    char *name = mw_arena_alloc(s->work, s->name.n + tail);
    if (name) {
        memcpy(name, s->name.p, s->name.n);
        memcpy(name + s->name.n, suffix, tail);
        l[n++] = (mw_label){MW_STR(MW_METRIC_NAME), {name, s->name.n + tail}};
    }
    mw_label *same = key ? find(l, p->n, mw_str_of(key)) : NULL;
    mw_str hidden = same ? same->value : (mw_str){NULL, 0}; /* le and quantile are ours */
    if (same) same->value = (mw_str){"", 0};
    if (key) l[n++] = (mw_label){mw_str_of(key), value};
    const mw_labels *ls = name ? mw_labels_new_in(s->work, l, n, NULL) : NULL;
    if (same) same->value = hidden;
    uint64_t ref = 0;
    int code =
        ls ? mw_appender_add(s->appender, ls, &ref, p->t, p->stale ? mw_stale() : v) : MW_ELIMIT;
    if (!code || p->code) return;
    p->code = code;
    p->refused = ls;
}

static void emit_le(struct sink *s, struct point *p, double bound, double v)
{
    char text[MW_DOUBLE_MAX];
    mw_double_fixed(bound, text);
    emit(s, p, "_bucket", "le", mw_str_of(text), v);
}

/* Emits the samples of one point; NULL, or what is wrong with it before any was. */
typedef const char *putter(struct sink *s, struct point *p, const mw_otlp_point *in);

static const char *put_number(struct sink *s, struct point *p, const mw_otlp_point *in)
{
    if (!(in->has & MW_OTLP_VALUE) && !p->stale) return "has no value";
    emit(s, p, "", NULL, (mw_str){NULL, 0}, in->value);
    return NULL;
}

static const char *put_histogram(struct sink *s, struct point *p, const mw_otlp_point *in)
{
    double total = 0;
    if (in->n_buckets ? in->n_buckets != in->n_bounds + 1 : in->n_bounds != 0)
        return "needs one bucket count more than bounds";
    for (size_t i = 1; i < in->n_bounds; i++)
        if (!(in->bounds[i] > in->bounds[i - 1])) return "has bounds that do not rise";
    for (size_t i = 0; i < in->n_bounds; i++) {
        total += (double)in->buckets[i];
        if (!isinf(in->bounds[i])) emit_le(s, p, in->bounds[i], total);
    }
    emit_le(s, p, INFINITY, (double)in->count);
    if (in->has & MW_OTLP_VALUE || p->stale) emit(s, p, "_sum", NULL, (mw_str){NULL, 0}, in->value);
    emit(s, p, "_count", NULL, (mw_str){NULL, 0}, (double)in->count);
    return NULL;
}

static const char *put_summary(struct sink *s, struct point *p, const mw_otlp_point *in)
{
    for (size_t i = 0; i < in->n_quantiles; i++) {
        char text[MW_DOUBLE_MAX];
        mw_double_fixed(in->quantiles[i].quantile, text);
        emit(s, p, "", "quantile", mw_str_of(text), in->quantiles[i].value);
    }
    emit(s, p, "_sum", NULL, (mw_str){NULL, 0}, in->value);
    emit(s, p, "_count", NULL, (mw_str){NULL, 0}, (double)in->count);
    return NULL;
}

/* -- points --------------------------------------------------------------------------------- */

static int64_t time_of(const struct sink *s, const mw_otlp_point *in)
{
    return in->t_ns > 0 ? in->t_ns / 1000000 : mw_now_ms(s->in->clock);
}

static void store_point(struct sink *s, const mw_otlp_metric *m, putter *put,
                        const mw_otlp_point *in)
{
    struct point p = {.t = time_of(s, in), .stale = in->flags & NO_RECORDED_VALUE};
    mw_arena_reset(s->work);
    p.labels = labels_of(s, in->attrs, in->n_attrs, &p.n);
    const char *wrong = p.labels ? labels_wrong(s, p.labels, p.n) : "has too many attributes";
    if (!wrong) wrong = put(s, &p, in);
    if (p.t > s->newest) s->newest = p.t;
    if (wrong)
        mw_result_reject(s->result, 1, MW_EARG, "a point of metric \"%.*s\" %s",
                         (int)(m->name.n < 200 ? m->name.n : 200), m->name.p, wrong);
    else if (p.code && !p.refused)
        mw_result_reject(s->result, 1, p.code, "a point of metric \"%.*s\": %s",
                         (int)(m->name.n < 200 ? m->name.n : 200), m->name.p, mw_code_text(p.code));
    else
        mw_result_sample(s->result, p.code, p.refused, p.t);
}

/* -- metrics -------------------------------------------------------------------------------- */

static const struct kind {
    uint32_t has;
    bool cumulative; /* must say so */
    putter *put;     /* NULL: not supported */
    mw_otlp_kind name;
} kinds[] = {
    {MW_OTLP_GAUGE, false, put_number, MW_OTLP_KIND_GAUGE},
    {MW_OTLP_SUM, true, put_number, MW_OTLP_KIND_OTHER},
    {MW_OTLP_HISTOGRAM, true, put_histogram, MW_OTLP_KIND_OTHER},
    {MW_OTLP_EXPONENTIAL, false, NULL, MW_OTLP_KIND_OTHER},
    {MW_OTLP_SUMMARY, false, put_summary, MW_OTLP_KIND_OTHER},
};

static const struct kind *kind_of(const mw_otlp_metric *m)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (m->has & kinds[i].has) return &kinds[i];
    return NULL;
}

/* NULL when the points of M can be stored, otherwise why not. */
static const char *metric_wrong(const struct sink *s, const mw_otlp_metric *m, const struct kind *k)
{
    if (!k->put) return "is an exponential histogram, which is not supported; use explicit bounds";
    if (k->cumulative && m->data.temporality != CUMULATIVE)
        return "does not have cumulative temporality; set it in the exporter";
    return s->name.n ? NULL : "has a name without letters or digits";
}

static void store_metric(struct sink *s, const mw_otlp_metric *m)
{
    const struct kind *k = kind_of(m);
    if (!k) return;
    bool counter = k->has == MW_OTLP_SUM && m->data.monotonic;
    mw_otlp_metric_name(m->name, m->unit, counter ? MW_OTLP_KIND_COUNTER : k->name, &s->name);
    const char *wrong = metric_wrong(s, m, k);
    if (wrong) {
        mw_result_reject(s->result, m->data.n_points, MW_EUNSUPPORTED, "metric \"%.*s\" %s",
                         (int)(m->name.n < 200 ? m->name.n : 200), m->name.p, wrong);
        return;
    }
    for (size_t i = 0; i < m->data.n_points; i++) store_point(s, m, k->put, &m->data.points[i]);
}

/* -- resources ------------------------------------------------------------------------------ */

static void identify(struct sink *s, const mw_otlp_resource *r, mw_arena *a)
{
    mw_str name = mw_otlp_text(r->attrs, r->n_attrs, "service.name", a);
    mw_str space = mw_otlp_text(r->attrs, r->n_attrs, "service.namespace", a);
    mw_str instance = mw_otlp_text(r->attrs, r->n_attrs, "service.instance.id", a);
    s->n_identity = 0;
    if (name.n && space.n) {
        char *both = mw_arena_alloc(a, space.n + name.n + 1);
        if (both) {
            memcpy(both, space.p, space.n);
            both[space.n] = '/';
            memcpy(both + space.n + 1, name.p, name.n);
            name = (mw_str){both, space.n + name.n + 1};
        }
    }
    if (name.n) s->identity[s->n_identity++] = (mw_label){MW_STR("job"), name};
    if (instance.n) s->identity[s->n_identity++] = (mw_label){MW_STR("instance"), instance};
}

static bool identifying(mw_str key)
{
    return mw_str_is(key, "service.name") || mw_str_is(key, "service.namespace") ||
           mw_str_is(key, "service.instance.id");
}

/* target_info{...} 1: what is known of the resource beside its identity.  Not counted. */
static void store_info(struct sink *s, const mw_otlp_resource *r, mw_arena *a)
{
    struct point p = {.t = s->newest};
    mw_attr *rest = mw_arena_array(a, r->n_attrs, sizeof *rest);
    size_t n = 0;
    for (size_t i = 0; rest && i < r->n_attrs; i++)
        if (!identifying(r->attrs[i].key)) rest[n++] = r->attrs[i];
    if (!n || !s->n_identity || !s->newest) return;
    mw_arena_reset(s->work);
    mw_buf_reset(&s->name);
    mw_buf_text(&s->name, "target_info");
    p.labels = labels_of(s, rest, n, &p.n);
    if (p.labels && !labels_wrong(s, p.labels, p.n)) emit(s, &p, "", NULL, (mw_str){NULL, 0}, 1);
}

int mw_otlp_store_metrics(mw_ingest *in, const mw_otlp_request *r, mw_arena *a,
                          mw_ingest_result *result, mw_err *err)
{
    struct sink s = {.in = in, .limits = mw_ingest_limits_of(in), .result = result};
    s.appender = mw_appender_new(in->tsdb);
    s.work = mw_arena_new(s.limits.body);
    mw_buf_init(&s.name);
    for (size_t i = 0; i < r->n_resources; i++) {
        const mw_otlp_resource *resource = &r->resources[i];
        s.newest = 0;
        identify(&s, resource, a);
        for (size_t k = 0; k < resource->n_scopes; k++)
            for (size_t m = 0; m < resource->scopes[k].n_metrics; m++)
                store_metric(&s, &resource->scopes[k].metrics[m]);
        store_info(&s, resource, a);
    }
    int code = mw_appender_commit(s.appender, err);
    mw_buf_deinit(&s.name);
    mw_arena_free(s.work);
    mw_appender_free(s.appender);
    return code;
}
