/* expose.c - the registry as text: Prometheus 0.0.4 and OpenMetrics 1.0.0.
 *
 * They differ in what a counter's family is called (OpenMetrics: without _total, while its sample
 * has it), in UNIT, in the escaping of HELP, in how bounds look, and in the end marker.
 * Sources: prometheus.io/docs/instrumenting/exposition_formats, OpenMetrics 1.0.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "metrics/inside.h"

typedef struct page { /* one page being written */
    mw_registry *reg;
    const mw_snapshot *snap;
    mw_exposition format;
    mw_buf *out;
} page;

static const char *const type_names[MW_KINDS] = {"counter", "gauge", "histogram"};

static bool ends_with(mw_str s, const char *end)
{
    size_t n = strlen(end);
    return s.n >= n && memcmp(s.p + s.n - n, end, n) == 0;
}

/* -- head of a family ----------------------------------------------------------------------- */

typedef struct family_names {
    mw_str family, sample;
    const char *suffix; /* behind sample */
    const char *type;
} family_names;

/* An OpenMetrics counter x_total is family x, unless another family has that name. */
static family_names names_of(const page *pg, const mw_set *set)
{
    mw_str name = mw_str_of(set->name);
    family_names f = {name, name, "", type_names[set->kind]};
    if (pg->format != MW_OPENMETRICS_100 || set->kind != MW_COUNTER) return f;
    if (!ends_with(name, "_total")) {
        f.suffix = "_total";
        return f;
    }
    mw_str bare = {name.p, name.n - strlen("_total")};
    pthread_mutex_lock(&pg->reg->lock);
    bool taken = bare.n == 0 || mw_registry_find_set(pg->reg, bare);
    pthread_mutex_unlock(&pg->reg->lock);
    if (taken)
        f.type = "unknown";
    else
        f.family = bare;
    return f;
}

static void help_text(const page *pg, mw_str help)
{
    for (size_t i = 0; i < help.n; i++) {
        char c = help.p[i];
        if (c == '\n') {
            mw_buf_text(pg->out, "\\n");
            continue;
        }
        if (c == '\\' || (c == '"' && pg->format == MW_OPENMETRICS_100)) mw_buf_byte(pg->out, '\\');
        mw_buf_byte(pg->out, c);
    }
}

static void meta(const page *pg, const char *what, mw_str family)
{
    mw_buf_text(pg->out, what);
    mw_buf_str(pg->out, family);
    mw_buf_byte(pg->out, ' ');
}

static bool unit_fits(mw_str family, const char *unit)
{
    size_t n = strlen(unit);
    return n && family.n > n && ends_with(family, unit) && family.p[family.n - n - 1] == '_';
}

static void family_head(const page *pg, const mw_set *set, const family_names *f)
{
    if (set->help) {
        meta(pg, "# HELP ", f->family);
        help_text(pg, mw_str_of(set->help));
        mw_buf_byte(pg->out, '\n');
    }
    meta(pg, "# TYPE ", f->family);
    mw_buf_text(pg->out, f->type);
    mw_buf_byte(pg->out, '\n');
    if (pg->format == MW_OPENMETRICS_100 && set->unit && unit_fits(f->family, set->unit)) {
        meta(pg, "# UNIT ", f->family);
        mw_buf_text(pg->out, set->unit);
        mw_buf_byte(pg->out, '\n');
    }
}

/* -- samples -------------------------------------------------------------------------------- */

static void add_value(mw_buf *out, double v)
{
    out->n += (size_t)mw_double_general(v, mw_buf_room(out, MW_DOUBLE_MAX));
    mw_buf_byte(out, '\n');
}

/* name suffix {labels,le="..."} value; LE may be empty. */
static void sample(mw_buf *out, mw_str name, const char *suffix, const mw_series *s, mw_str le,
                   double v)
{
    mw_buf_str(out, name);
    mw_buf_text(out, suffix);
    if (s->n_text || le.n) {
        mw_buf_byte(out, '{');
        mw_buf_add(out, s->text, s->n_text);
        if (le.n) {
            mw_buf_text(out, s->n_text ? ",le=\"" : "le=\"");
            mw_buf_str(out, le);
            mw_buf_byte(out, '"');
        }
        mw_buf_byte(out, '}');
    }
    mw_buf_byte(out, ' ');
    add_value(out, v);
}

static void histogram(const page *pg, const mw_series *s)
{
    const mw_set *set = s->set;
    const double *cells = mw_snapshot_cells(pg->snap, s);
    mw_str name = mw_str_of(set->name), none = {0};
    double count = 0;
    for (size_t i = 0; i <= set->n_bounds; i++) {
        count += cells[i];
        sample(pg->out, name, "_bucket", s, set->le[pg->format][i], count);
    }
    sample(pg->out, name, "_sum", s, none, cells[set->n_bounds + 1]);
    sample(pg->out, name, "_count", s, none, count);
}

static void family(const page *pg, const mw_snapshot_set *entry)
{
    family_names f = names_of(pg, entry->set);
    family_head(pg, entry->set, &f);
    for (size_t i = 0; i < entry->n; i++) {
        const mw_series *s = entry->series[i];
        if (entry->set->kind == MW_HISTOGRAM)
            histogram(pg, s);
        else
            sample(pg->out, f.sample, f.suffix, s, (mw_str){0}, mw_snapshot_value(pg->snap, s));
    }
}

void mw_registry_expose(mw_registry *reg, mw_exposition format, mw_buf *out)
{
    mw_snapshot snap;
    mw_snapshot_init(&snap, reg);
    page pg = {reg, &snap, format, out};
    for (size_t i = 0; i < snap.n; i++)
        if (snap.sets[i].n) family(&pg, &snap.sets[i]);
    if (format == MW_OPENMETRICS_100) mw_buf_text(out, "# EOF\n");
    mw_snapshot_deinit(&snap);
}
