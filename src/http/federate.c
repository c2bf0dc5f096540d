/* federate.c - GET /federate: the newest sample of each series asked for, as text.
 *
 * A series is told when its newest sample within the look-back is no stale marker, with the time of
 * that sample.  External labels are added where a series has none of that name, and instance=""
 * keeps whoever scrapes this from adding its own.  Text has no native histograms: those with bounds
 * of their own become classic ones, the others are left out.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "http/selection.h"
#include "http/serving.h"
#include "model/names.h"

static const size_t most_bytes = (size_t)256 << 20;

typedef struct sample {
    const mw_labels *labels;
    mw_str name;
    int64_t t;
    double v;
    const mw_nhist *h; /* with bounds of its own */
} sample;

typedef enum escaping { UNDERSCORES, VALUES, UTF8 } escaping;

typedef struct federation {
    sample *v;
    size_t n, cap, at;
    const mw_labels *external;
    escaping escaping;
} federation;

static void federation_free(void *arg) { mw_free(((federation *)arg)->v); }

/* -- collecting ------------------------------------------------------------------------------ */

/* A copy of H in the arena, as far as it is told. */
static const mw_nhist *keep_histogram(mw_arena *a, const mw_nhist *h)
{
    mw_buf bytes = {0};
    mw_nhist *copy = NULL;
    mw_nhist_encode(h, &bytes);
    char *kept = mw_arena_strndup(a, bytes.p, bytes.n);
    if (kept && mw_nhist_decode((mw_str){kept, bytes.n}, a, &copy, NULL) != MW_OK) copy = NULL;
    mw_buf_deinit(&bytes);
    return copy;
}

static void add_series(mw_call *c, federation *f, const mw_series_view *view)
{
    if (!view->n) return;
    size_t last = view->n - 1;
    const mw_nhist *h = view->h ? view->h[last] : NULL;
    if (mw_is_stale(view->v[last])) return;
    if (h && (h->schema != MW_HIST_CUSTOM || mw_nhist_is_stale(h))) return;
    sample s = {.t = view->t[last], .v = view->v[last]};
    s.labels = mw_labels_new_in(c->arena, view->labels->l, view->labels->n, NULL);
    if (!s.labels) return;
    s.name = mw_labels_find(s.labels, MW_METRIC_NAME);
    if (h) s.h = keep_histogram(c->arena, h);
    if (s.name.n && (!h || s.h)) MW_PUSH(f->v, f->n, f->cap, s);
}

static int collect(mw_call *c, federation *f, const mw_select *sel, mw_err *err)
{
    mw_source *src = c->parts->host->source;
    mw_series_set *set;
    mw_series_view view;
    int rc = src->select(src, sel, &set, err);
    if (rc) return rc;
    while ((rc = set->next(set, &view, err)) == 1) {
        add_series(c, f, &view);
        if (mw_arena_used(c->arena) < most_bytes) continue;
        rc = mw_fail(err, MW_ELIMIT, 0, 0, "too many series match: narrow match[]");
        break;
    }
    set->close(set);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    const sample *x = a, *y = b;
    int c = mw_str_cmp(x->name, y->name);
    return c ? c : mw_labels_cmp(x->labels, y->labels);
}

/* Sorted, and each once however many selectors found it. */
static void put_in_order(federation *f)
{
    size_t kept = 0;
    if (f->n) qsort(f->v, f->n, sizeof *f->v, by_name);
    for (size_t i = 0; i < f->n; i++)
        if (!kept || !mw_labels_eq(f->v[kept - 1].labels, f->v[i].labels)) f->v[kept++] = f->v[i];
    f->n = kept;
}

/* -- writing --------------------------------------------------------------------------------- */

static void put_value(mw_buf *out, mw_str s)
{
    mw_buf_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\n')
            mw_buf_text(out, "\\n");
        else {
            if (c == '\\' || c == '"') mw_buf_byte(out, '\\');
            mw_buf_byte(out, c);
        }
    }
    mw_buf_byte(out, '"');
}

static void put_name(const federation *f, mw_buf *out, mw_str name, const char *ending, bool metric)
{
    bool plain = metric ? mw_metric_name_valid(name) : mw_label_name_valid(name);
    mw_buf text = {0};
    if (plain)
        mw_buf_str(&text, name);
    else if (f->escaping == UNDERSCORES)
        mw_name_underscores(name, metric, &text);
    else if (f->escaping == VALUES)
        mw_name_values(name, metric, &text);
    else
        mw_buf_str(&text, name);
    mw_buf_text(&text, ending);
    if (plain || f->escaping != UTF8)
        mw_buf_add(out, text.p, text.n);
    else
        put_value(out, (mw_str){text.p, text.n});
    mw_buf_deinit(&text);
}

static bool quoted(const federation *f, mw_str name)
{
    return f->escaping == UTF8 && !mw_metric_name_valid(name);
}

static void put_label(const federation *f, mw_buf *out, bool *some, const mw_label *l)
{
    mw_buf_byte(out, *some ? ',' : '{');
    put_name(f, out, l->name, "", false);
    mw_buf_byte(out, '=');
    put_value(out, l->value);
    *some = true;
}

static void put_labels(const federation *f, mw_buf *out, const sample *s, bool some,
                       const mw_label *more)
{
    static const mw_label no_instance = {{"instance", 8}, {"", 0}};
    const mw_labels *ls = s->labels, *e = f->external;
    bool told = !e || !mw_labels_find(e, "instance").p;
    for (uint32_t i = 0; i < ls->n; i++)
        if (!mw_str_is(ls->l[i].name, MW_METRIC_NAME)) put_label(f, out, &some, &ls->l[i]);
    bool instance = told && !mw_labels_find(ls, "instance").p;
    for (uint32_t i = 0; e && i < e->n; i++) {
        if (instance && mw_str_cmp(no_instance.name, e->l[i].name) < 0) {
            put_label(f, out, &some, &no_instance);
            instance = false;
        }
        if (!mw_labels_find(ls, e->l[i].name.p).p) put_label(f, out, &some, &e->l[i]);
    }
    if (instance) put_label(f, out, &some, &no_instance);
    if (more) put_label(f, out, &some, more);
    if (some) mw_buf_byte(out, '}');
}

static void put_line(const federation *f, mw_buf *out, const sample *s, const char *ending,
                     const mw_label *more, double v)
{
    char text[MW_DOUBLE_MAX];
    bool inside = quoted(f, s->name);
    if (inside) mw_buf_byte(out, '{');
    put_name(f, out, s->name, ending, true);
    put_labels(f, out, s, inside, more);
    mw_buf_byte(out, ' ');
    mw_buf_add(out, text, (size_t)mw_double_general(v, text));
    mw_buf_byte(out, ' ');
    mw_buf_int(out, s->t);
    mw_buf_byte(out, '\n');
}

/* Of the buckets that the spans name, the count of the one with INDEX. */
static double bucket(const mw_hside *s, int64_t index)
{
    int64_t at = 0;
    for (uint32_t i = 0, k = 0; i < s->n_spans; i++) {
        at += s->spans[i].offset;
        for (uint32_t j = 0; j < s->spans[i].length && k < s->n_counts; j++, k++, at++)
            if (at == index) return s->counts[k];
    }
    return 0;
}

static void put_histogram(const federation *f, mw_buf *out, const sample *s)
{
    char text[MW_DOUBLE_MAX];
    double below = 0;
    mw_label le = {MW_STR("le"), MW_STR("+Inf")};
    for (uint32_t i = 0; i < s->h->n_custom; i++) {
        size_t n = (size_t)mw_double_general(s->h->custom[i], text);
        mw_label bound = {le.name, {text, n}};
        put_line(f, out, s, "_bucket", &bound, below += bucket(&s->h->pos, i));
    }
    put_line(f, out, s, "_bucket", &le, s->h->count);
    put_line(f, out, s, "_sum", NULL, s->h->sum);
    put_line(f, out, s, "_count", NULL, s->h->count);
}

static bool more_lines(mw_call *c, mw_buf *out)
{
    federation *f = c->state;
    for (size_t end = out->n + MW_PIECE; f->at < f->n; f->at++) {
        const sample *s = &f->v[f->at], *last = f->at ? s - 1 : NULL;
        if (out->n >= end) return false;
        if (!last || !mw_str_eq(last->name, s->name) || !last->h != !s->h) {
            mw_buf_text(out, "# TYPE ");
            put_name(f, out, s->name, "", true);
            mw_buf_text(out, s->h ? " histogram\n" : " untyped\n");
        }
        if (s->h)
            put_histogram(f, out, s);
        else
            put_line(f, out, s, "", NULL, s->v);
    }
    return true;
}

/* -- the request ----------------------------------------------------------------------------- */

/* How names are written, for those who say that they can read it. */
static escaping escaping_wanted(mw_str accept)
{
    if (!accept.n) return UNDERSCORES;
    if (memmem(accept.p, accept.n, "escaping=allow-utf-8", 20)) return UTF8;
    return memmem(accept.p, accept.n, "escaping=values", 15) ? VALUES : UNDERSCORES;
}

static void answer(mw_call *c, federation *f)
{
    static const char *const types[] = {
        [UNDERSCORES] = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
        [VALUES] = "text/plain; version=0.0.4; charset=utf-8; escaping=values",
        [UTF8] = "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"};
    put_in_order(f);
    call_answer(c, 200, types[f->escaping]);
    if (!more_lines(c, &c->out)) c->more = more_lines;
}

void get_federate(mw_call *c)
{
    selection s;
    mw_err err;
    mw_err_init(&err);
    const mw_server_options *o = server_options(c->server);
    int64_t now = mw_now_ms(c->parts->host->clock);
    federation *f = mw_arena_zalloc(c->arena, sizeof *f);
    c->state = f;
    c->free_state = federation_free;
    f->external = o->external_labels;
    f->escaping = escaping_wanted(call_header(c, "accept"));
    if (!call_param(c, "match[]").n) {
        answer(c, f);
        return;
    }
    if (!selection_init(&s, c)) return;
    int rc = MW_OK;
    for (size_t i = 0; i < s.n && !rc; i++) {
        s.sel[i].labels_only = false;
        s.sel[i].newest = true;
        s.sel[i].min_t = now - o->lookback_ms;
        s.sel[i].max_t = now;
        rc = collect(c, f, &s.sel[i], &err);
    }
    if (rc)
        call_fail(c, &err);
    else
        answer(c, f);
    selection_deinit(&s);
}
