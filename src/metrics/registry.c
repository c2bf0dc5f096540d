/* registry.c - families and their series: found, or made on first use.
 *
 * Families hang in a hash table by name, series in one by family and labels.  Series leave passing
 * families only (remove.c).  The order for reading is made when it is read.  Not here: recording
 * (cells.c), text (expose.c).
 * SPDX-License-Identifier: MIT */
#include "metrics/registry.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/num.h"
#include "metrics/inside.h"

enum { SERIES_DEFAULT = 100000, FIRST_HEADS = 64, LABELS_KNOWN = 16 };

static const char *const kind_names[MW_KINDS] = {"counter", "gauge", "histogram"};

/* -- life ----------------------------------------------------------------------------------- */

void mw_registry_tell_own(mw_registry *reg)
{
    pthread_mutex_lock(&reg->lock);
    size_t n = reg->n_series;
    pthread_mutex_unlock(&reg->lock);
    mw_gauge_set(reg->own[0], (double)n);
    mw_counter_set(reg->own[1], (double)__atomic_load_n(&reg->refused, __ATOMIC_RELAXED));
    mw_counter_set(reg->own[2], (double)__atomic_load_n(&reg->ignored, __ATOMIC_RELAXED));
}

mw_registry *mw_registry_new(size_t max_series)
{
    mw_registry *reg = mw_zalloc(sizeof *reg);
    pthread_mutex_init(&reg->lock, NULL);
    reg->refs = 1;
    reg->retired.reg = reg;
    reg->n_heads = reg->n_set_heads = FIRST_HEADS;
    reg->heads = mw_array(reg->n_heads, sizeof *reg->heads);
    reg->set_heads = mw_array(reg->n_set_heads, sizeof(mw_set *));
    reg->max_series = SIZE_MAX; /* its own series do not count against the limit */
    reg->own[0] = mw_gauge(reg, "moonwatch_registry_series", "Series held by this registry.", NULL);
    reg->own[1] = mw_counter(reg, "moonwatch_registry_refused_total",
                             "Series refused because the registry was full.", NULL);
    reg->own[2] = mw_counter(reg, "moonwatch_registry_ignored_total",
                             "Additions to counters ignored: below zero or NaN.", NULL);
    reg->max_series = (max_series ? max_series : SERIES_DEFAULT) + reg->n_series;
    return reg;
}

static void free_set(mw_set *set)
{
    for (size_t i = 0; i < set->n; i++) mw_series_free(set->series[i]);
    for (size_t f = 0; f < 2; f++) {
        for (size_t i = 0; set->le[f] && i <= set->n_bounds; i++) mw_free((char *)set->le[f][i].p);
        mw_free(set->le[f]);
    }
    mw_free(set->series);
    mw_free(set->bounds);
    mw_free(set->name);
    mw_free(set->help);
    mw_free(set->unit);
    mw_free(set);
}

void mw_registry_free(mw_registry *reg)
{
    if (!reg) return;
    mw_row_release_own(reg);
    pthread_mutex_lock(&reg->lock);
    reg->closed = true;
    for (mw_row *row = reg->rows; row; row = row->next) mw_row_deinit_pages(row);
    mw_row_deinit_pages(&reg->retired);
    for (size_t i = 0; i < reg->n_sets; i++) free_set(reg->sets[i]);
    mw_free(reg->sets);
    mw_free(reg->set_heads);
    mw_free(reg->heads);
    mw_free(reg->collectors);
    mw_registry_free_left(reg);
    mw_registry_unref(reg);
}

void mw_registry_on_collect(mw_registry *reg, mw_collect *fn, void *arg)
{
    mw_collector c = {fn, arg};
    pthread_mutex_lock(&reg->lock);
    MW_PUSH(reg->collectors, reg->n_collectors, reg->cap_collectors, c);
    pthread_mutex_unlock(&reg->lock);
}

/* -- families ------------------------------------------------------------------------------- */

static mw_set **set_head(const mw_registry *reg, mw_str name)
{
    return &reg->set_heads[mw_hash(name.p, name.n) & (reg->n_set_heads - 1)];
}

mw_set *mw_registry_find_set(const mw_registry *reg, mw_str name)
{
    for (mw_set *set = *set_head(reg, name); set; set = set->next)
        if (mw_str_is(name, set->name)) return set;
    return NULL;
}

static void widen_set_heads(mw_registry *reg)
{
    if (reg->n_sets < reg->n_set_heads) return;
    mw_free(reg->set_heads);
    reg->n_set_heads *= 2;
    reg->set_heads = mw_array(reg->n_set_heads, sizeof(mw_set *));
    for (size_t i = 0; i < reg->n_sets; i++) {
        mw_set **head = set_head(reg, mw_str_of(reg->sets[i]->name));
        reg->sets[i]->next = *head;
        *head = reg->sets[i];
    }
}

static const double *bounds_of(const mw_family *f, size_t *n)
{
    *n = f->kind != MW_HISTOGRAM ? 0 : f->buckets ? f->n_buckets : 11;
    return f->buckets ? f->buckets : mw_buckets_default;
}

static int check_bounds(const mw_family *f, mw_err *err)
{
    size_t n;
    const double *b = bounds_of(f, &n);
    if (n > MW_BUCKETS_MAX)
        return mw_fail(err, MW_EARG, 0, 0, "histogram \"%s\" has %zu buckets; at most %d", f->name,
                       n, MW_BUCKETS_MAX);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(b[i]) || (i && b[i] <= b[i - 1]))
            return mw_fail(err, MW_EARG, 0, 0,
                           "buckets of \"%s\" must be finite and ascend (number %zu does not)",
                           f->name, i + 1);
    return MW_OK;
}

/* The bounds as values of the label le; OpenMetrics wants them to look like floats. */
static mw_str *le_texts(const mw_set *set, bool openmetrics)
{
    mw_str *le = mw_array(set->n_bounds + 1, sizeof *le);
    for (size_t i = 0; i <= set->n_bounds; i++) {
        char text[MW_DOUBLE_MAX + 2];
        double bound = i < set->n_bounds ? set->bounds[i] : INFINITY;
        int n = mw_double_general(bound, text);
        if (openmetrics && isfinite(bound) && !strpbrk(text, ".e")) {
            memcpy(text + n, ".0", 3);
            n += 2;
        }
        le[i] = (mw_str){mw_strndup(text, (size_t)n), (size_t)n};
    }
    return le;
}

static mw_set *add_set(mw_registry *reg, const mw_family *f)
{
    mw_set *set = mw_zalloc(sizeof *set);
    const double *bounds = bounds_of(f, &set->n_bounds);
    set->kind = f->kind;
    set->passing = f->passing;
    set->name = mw_strdup(f->name);
    set->help = mw_strdup(f->help);
    set->unit = mw_strdup(f->unit);
    if (f->kind == MW_HISTOGRAM) {
        set->bounds = mw_array(set->n_bounds, sizeof *bounds);
        if (set->n_bounds) memcpy(set->bounds, bounds, set->n_bounds * sizeof *bounds);
        set->le[MW_TEXT_004] = le_texts(set, false);
        set->le[MW_OPENMETRICS_100] = le_texts(set, true);
    }
    widen_set_heads(reg);
    mw_set **head = set_head(reg, mw_str_of(set->name));
    set->next = *head;
    *head = set;
    MW_PUSH(reg->sets, reg->n_sets, reg->cap_sets, set);
    reg->sets_sorted = false;
    return set;
}

static int check_same(const mw_set *set, const mw_family *f, mw_err *err)
{
    size_t n;
    const double *bounds = bounds_of(f, &n);
    if (set->kind != f->kind)
        return mw_fail(err, MW_EKIND, 0, 0, "metric \"%s\" is a %s already, not a %s", f->name,
                       kind_names[set->kind], kind_names[f->kind]);
    if (set->passing != f->passing)
        return mw_fail(err, MW_EKIND, 0, 0,
                       "metric \"%s\" is told by %s already and cannot be told by others", f->name,
                       set->passing ? "a collector" : "somebody");
    if (n != set->n_bounds || (n && memcmp(bounds, set->bounds, n * sizeof *bounds) != 0))
        return mw_fail(err, MW_EKIND, 0, 0, "histogram \"%s\" has other buckets already", f->name);
    return MW_OK;
}

/* -- series --------------------------------------------------------------------------------- */

mw_series **mw_series_head(const mw_registry *reg, const mw_set *set, const mw_labels *ls)
{
    uint64_t h = ls->hash ^ ((uint64_t)(uintptr_t)set * 0x9e3779b97f4a7c15ULL);
    return &reg->heads[(h ^ h >> 32) & (reg->n_heads - 1)];
}

static void widen_heads(mw_registry *reg)
{
    if (reg->n_series < reg->n_heads) return;
    mw_free(reg->heads);
    reg->n_heads *= 2;
    reg->heads = mw_array(reg->n_heads, sizeof *reg->heads);
    for (size_t i = 0; i < reg->n_sets; i++) {
        for (size_t k = 0; k < reg->sets[i]->n; k++) {
            mw_series *s = reg->sets[i]->series[k], **head = mw_series_head(reg, s->set, s->labels);
            s->next = *head;
            *head = s;
        }
    }
}

static mw_series *find_series(const mw_registry *reg, const mw_set *set, const mw_labels *ls)
{
    for (mw_series *s = *mw_series_head(reg, set, ls); s; s = s->next)
        if (s->set == set && mw_labels_eq(s->labels, ls)) return s;
    return NULL;
}

/* The next free run of N cells; a run stays within one page. */
static void place_cells(mw_registry *reg, mw_series *s, uint32_t n)
{
    size_t left = MW_PAGE_CELLS - reg->n_cells % MW_PAGE_CELLS;
    if (n > left) reg->n_cells += left;
    s->page = (uint32_t)(reg->n_cells / MW_PAGE_CELLS);
    s->at = (uint32_t)(reg->n_cells % MW_PAGE_CELLS);
    reg->n_cells += n;
}

static void escape(mw_buf *b, mw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' || s.p[i] == '"') mw_buf_byte(b, '\\');
        if (s.p[i] == '\n')
            mw_buf_text(b, "\\n");
        else
            mw_buf_byte(b, s.p[i]);
    }
}

static void label_text(mw_series *s)
{
    mw_buf b;
    mw_buf_init(&b);
    for (uint32_t i = 0; i < s->labels->n; i++) {
        if (i) mw_buf_byte(&b, ',');
        mw_buf_str(&b, s->labels->l[i].name);
        mw_buf_text(&b, "=\"");
        escape(&b, s->labels->l[i].value);
        mw_buf_byte(&b, '"');
    }
    s->n_text = b.n;
    s->text = b.n ? mw_buf_take(&b) : NULL;
    mw_buf_deinit(&b);
}

static mw_series *add_series(mw_registry *reg, mw_set *set, mw_labels *ls)
{
    mw_series *s = mw_zalloc(sizeof *s);
    s->reg = reg;
    s->set = set;
    s->labels = ls;
    s->bounds = set->bounds;
    s->n_bounds = (uint32_t)set->n_bounds;
    if (!set->passing) place_cells(reg, s, mw_kind_cells(set->kind, set->n_bounds));
    label_text(s);
    widen_heads(reg);
    mw_series **head = mw_series_head(reg, set, ls);
    s->next = *head;
    *head = s;
    MW_PUSH(set->series, set->n, set->cap, s);
    set->sorted = false;
    reg->n_series++;
    return s;
}

/* -- getting -------------------------------------------------------------------------------- */

static int check_family(const mw_family *f, mw_err *err)
{
    if (!f->name || !mw_metric_name_valid(mw_str_of(f->name)))
        return mw_fail(err, MW_EARG, 0, 0,
                       "\"%s\" is no metric name; letters, digits, _ and : are, not starting with "
                       "a digit",
                       f->name ? f->name : "");
    if ((unsigned)f->kind >= MW_KINDS)
        return mw_fail(err, MW_EARG, 0, 0, "metric \"%s\" has no kind", f->name);
    if (f->passing && f->kind == MW_HISTOGRAM)
        return mw_fail(err, MW_EARG, 0, 0, "the histogram \"%s\" cannot be passing", f->name);
    if (f->help && !mw_utf8_valid(mw_str_of(f->help)))
        return mw_fail(err, MW_EARG, 0, 0, "the help of \"%s\" is not UTF-8", f->name);
    return check_bounds(f, err);
}

static int check_labels(const mw_family *f, const mw_label *l, size_t n, mw_err *err)
{
    for (size_t i = 0; i < n; i++) {
        bool reserved = mw_str_starts(l[i].name, "__") ||
                        (f->kind == MW_HISTOGRAM && mw_str_is(l[i].name, "le"));
        if (reserved || !mw_label_name_valid(l[i].name))
            return mw_fail(err, MW_EARG, 0, 0, "\"%.*s\" cannot be a label of \"%s\"",
                           MW_STR_ARG(l[i].name), f->name);
        if (!mw_utf8_valid(l[i].value))
            return mw_fail(err, MW_EARG, 0, 0, "the value of label \"%.*s\" of \"%s\" is not UTF-8",
                           MW_STR_ARG(l[i].name), f->name);
    }
    return MW_OK;
}

/* Under the lock.  Takes LS when it answers with a new series, else leaves it to the caller. */
static int find_or_add(mw_registry *reg, const mw_family *f, mw_labels **ls, mw_series **out,
                       mw_err *err)
{
    mw_set *set = mw_registry_find_set(reg, mw_str_of(f->name));
    int rc = set ? check_same(set, f, err) : MW_OK;
    if (rc != MW_OK) return rc;
    *out = set ? find_series(reg, set, *ls) : NULL;
    if (*out) return MW_OK;
    if (reg->n_series >= reg->max_series) {
        __atomic_fetch_add(&reg->refused, 1, __ATOMIC_RELAXED);
        return mw_fail(err, MW_ELIMIT, 0, 0,
                       "no room for another series of \"%s\": the registry holds %zu, which is its "
                       "limit; look for a label with too many values",
                       f->name, reg->n_series);
    }
    if (!set) set = add_set(reg, f);
    *out = add_series(reg, set, *ls);
    *ls = NULL;
    return MW_OK;
}

int mw_registry_series(mw_registry *reg, const mw_family *f, const mw_label *labels, size_t n,
                       mw_series **out, mw_err *err)
{
    int rc = check_family(f, err);
    if (rc == MW_OK) rc = check_labels(f, labels, n, err);
    if (rc != MW_OK) return rc;
    mw_labels *ls = mw_labels_new(labels, n, err);
    if (!ls) return MW_EARG;
    pthread_mutex_lock(&reg->lock);
    rc = find_or_add(reg, f, &ls, out, err);
    pthread_mutex_unlock(&reg->lock);
    mw_free(ls);
    return rc;
}

/* -- families known at build time ----------------------------------------------------------- */

static mw_series *known(mw_registry *reg, mw_kind kind, const char *name, const char *help,
                        va_list ap)
{
    mw_label l[LABELS_KNOWN];
    size_t n = 0;
    const char *label;
    while ((label = va_arg(ap, const char *))) {
        MW_ASSERT(n < LABELS_KNOWN);
        l[n].name = mw_str_of(label);
        l[n++].value = mw_str_of(va_arg(ap, const char *));
    }
    mw_family f = {.kind = kind, .name = name, .help = help};
    mw_series *s = NULL;
    mw_err err;
    mw_err_init(&err);
    if (mw_registry_series(reg, &f, l, n, &s, &err) != MW_OK) mw_bug(err.msg, name, 0);
    return s;
}

mw_series *mw_counter(mw_registry *reg, const char *name, const char *help, ...)
{
    va_list ap;
    va_start(ap, help);
    mw_series *s = known(reg, MW_COUNTER, name, help, ap);
    va_end(ap);
    return s;
}

mw_series *mw_gauge(mw_registry *reg, const char *name, const char *help, ...)
{
    va_list ap;
    va_start(ap, help);
    mw_series *s = known(reg, MW_GAUGE, name, help, ap);
    va_end(ap);
    return s;
}

mw_series *mw_histogram(mw_registry *reg, const char *name, const char *help, ...)
{
    va_list ap;
    va_start(ap, help);
    mw_series *s = known(reg, MW_HISTOGRAM, name, help, ap);
    va_end(ap);
    return s;
}
