/* otlp_metrics.c - OTLP metrics into the store of samples, as Prometheus's OTLP endpoint does it.
 *
 * service.namespace/service.name become job, service.instance.id becomes instance; what else is
 * known of the resource is one series target_info.  A point is one thing to the sender: it is
 * accepted when all of its samples were, and the first refusal is its reason.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "ingest/otlp_names.h"
#include "ingest/otlp_points.h"

enum { CUMULATIVE = 2 };

/* -- labels --------------------------------------------------------------------------------- */

static bool reserved(const mw_otlp_sink *s, mw_str name)
{
    if (mw_str_is(name, MW_METRIC_NAME)) return true;
    for (size_t i = 0; i < s->n_identity; i++)
        if (mw_str_eq(s->identity[i].name, name)) return true;
    return false;
}

static mw_str join(mw_otlp_sink *s, mw_str a, mw_str b)
{
    char *text = mw_arena_alloc(s->work, a.n + b.n + 1);
    if (!text) return a;
    memcpy(text, a.p, a.n);
    text[a.n] = ';';
    memcpy(text + a.n + 1, b.p, b.n);
    return (mw_str){text, a.n + b.n + 1};
}

/* Attributes as labels behind job and instance; two that become the same name are joined by ';'.
 * NULL when there are too many, or the arena is full; WHY says it. */
static mw_label *labels_of(mw_otlp_sink *s, const mw_attr *attrs, size_t n_attrs, size_t *n,
                           mw_err *why)
{
    if (mw_ingest_count_fits(&s->limits, n_attrs, why)) return NULL;
    mw_label *l = mw_arena_array(s->work, n_attrs + 2 + MW_OTLP_OWN_LABELS, sizeof *l);
    if (!l)
        return mw_fail(why, MW_ELIMIT, 0, 0, "too many labels for the memory of one request"), NULL;
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
        mw_label *same = mw_otlp_find_label(l, *n, key);
        if (same)
            same->value = join(s, same->value, value);
        else
            l[(*n)++] = (mw_label){key, value};
    }
    return l;
}

static int check_labels(const mw_otlp_sink *s, const mw_label *l, size_t n, mw_err *why)
{
    int code = MW_OK;
    for (size_t i = 0; i < n && !code; i++) code = mw_ingest_label_fits(&s->limits, &l[i], why);
    return code;
}

/* -- points --------------------------------------------------------------------------------- */

static int64_t time_of(const mw_otlp_sink *s, const mw_otlp_point *in)
{
    return in->t_ns > 0 ? in->t_ns / 1000000 : mw_now_ms(s->in->clock);
}

static void store_point(mw_otlp_sink *s, const mw_otlp_metric *m, mw_otlp_putter *put,
                        const mw_otlp_point *in)
{
    mw_otlp_target p = {.t = time_of(s, in), .stale = in->flags & MW_OTLP_NO_RECORDED_VALUE};
    mw_err why;
    mw_err_init(&why);
    mw_arena_reset(s->work);
    p.labels = labels_of(s, in->attrs, in->n_attrs, &p.n, &why);
    if (p.labels) check_labels(s, p.labels, p.n, &why);
    const char *wrong = why.code ? NULL : put(s, &p, in);
    if (p.t > s->newest) s->newest = p.t;
    if (why.code)
        mw_result_reject(s->result, 1, MW_EARG, "a point of metric \"%.*s\" has %s",
                         (int)(m->name.n < 200 ? m->name.n : 200), m->name.p, why.msg);
    else if (wrong)
        mw_result_reject(s->result, 1, MW_EARG, "a point of metric \"%.*s\" %s",
                         (int)(m->name.n < 200 ? m->name.n : 200), m->name.p, wrong);
    else if (p.code && !p.refused)
        mw_result_reject(s->result, 1, p.code, "a point of metric \"%.*s\": %s",
                         (int)(m->name.n < 200 ? m->name.n : 200), m->name.p, mw_code_text(p.code));
    else
        (p.native ? mw_result_histogram : mw_result_sample)(s->result, p.code, p.refused, p.t);
}

/* -- metrics -------------------------------------------------------------------------------- */

static const struct kind {
    uint32_t has;
    bool cumulative; /* must say so */
    mw_otlp_putter *put;
    mw_otlp_kind name;
    const char *type; /* as metadata says it */
} kinds[] = {
    {MW_OTLP_GAUGE, false, mw_otlp_put_number, MW_OTLP_KIND_GAUGE, "gauge"},
    {MW_OTLP_SUM, true, mw_otlp_put_number, MW_OTLP_KIND_OTHER, "gauge"},
    {MW_OTLP_HISTOGRAM, true, mw_otlp_put_histogram, MW_OTLP_KIND_OTHER, "histogram"},
    {MW_OTLP_EXPONENTIAL, true, mw_otlp_put_exponential, MW_OTLP_KIND_OTHER, "histogram"},
    {MW_OTLP_SUMMARY, false, mw_otlp_put_summary, MW_OTLP_KIND_OTHER, "summary"},
};

static const struct kind *kind_of(const mw_otlp_metric *m)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (m->has & kinds[i].has) return &kinds[i];
    return NULL;
}

/* NULL when the points of M can be stored, otherwise why not. */
static const char *metric_wrong(const mw_otlp_sink *s, const mw_otlp_metric *m,
                                const struct kind *k)
{
    if (k->cumulative && m->data.temporality != CUMULATIVE)
        return "does not have cumulative temporality; set it in the exporter";
    return s->name.n ? NULL : "has a name without letters or digits";
}

static mw_str usable(const mw_otlp_sink *s, mw_str text)
{
    return text.n <= s->limits.label_bytes ? text : (mw_str){"", 0};
}

static void tell_metadata(mw_otlp_sink *s, const mw_otlp_metric *m, const char *type)
{
    mw_str name = usable(s, (mw_str){s->name.p, s->name.n});
    if (!name.n) return;
    mw_appender_set_metadata(s->appender, name, mw_str_of(type), usable(s, m->description),
                             usable(s, m->unit));
}

static void store_metric(mw_otlp_sink *s, const mw_otlp_metric *m)
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
    tell_metadata(s, m, counter ? "counter" : k->type);
    for (size_t i = 0; i < m->data.n_points; i++) store_point(s, m, k->put, &m->data.points[i]);
}

/* -- resources ------------------------------------------------------------------------------ */

static void identify(mw_otlp_sink *s, const mw_otlp_resource *r, mw_arena *a)
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
static void store_info(mw_otlp_sink *s, const mw_otlp_resource *r, mw_arena *a)
{
    mw_otlp_target p = {.t = s->newest};
    mw_attr *rest = mw_arena_array(a, r->n_attrs, sizeof *rest);
    size_t n = 0;
    for (size_t i = 0; rest && i < r->n_attrs; i++)
        if (!identifying(r->attrs[i].key)) rest[n++] = r->attrs[i];
    if (!n || !s->n_identity || !s->newest) return;
    mw_arena_reset(s->work);
    mw_buf_reset(&s->name);
    mw_buf_text(&s->name, "target_info");
    p.labels = labels_of(s, rest, n, &p.n, NULL);
    if (p.labels && !check_labels(s, p.labels, p.n, NULL))
        mw_otlp_put_number(s, &p, &(mw_otlp_point){.has = MW_OTLP_VALUE, .value = 1});
}

int mw_otlp_store_metrics(mw_ingest *in, const mw_otlp_request *r, mw_arena *a,
                          mw_ingest_result *result, mw_err *err)
{
    mw_otlp_sink s = {.in = in, .limits = mw_ingest_limits_of(in), .result = result};
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
    if (code) mw_result_lost(result);
    mw_buf_deinit(&s.name);
    mw_arena_free(s.work);
    mw_appender_free(s.appender);
    return code;
}
