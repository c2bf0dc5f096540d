/* recorder.c - one recording rule: rows of an answer, matched with the series written before.
 *
 * A series is kept with the labels it has in the answer (GIVEN) and those it is written with (OWN).
 * Answers come in the same order time after time, so the row at hand is nearly always the series
 * after the one of the row before: then nothing is built, only compared.  Otherwise the labels are
 * built and looked up in a table by hash of OWN.
 *
 * A run first finds the series of every row, so that it can still refuse without having written
 * anything, and then writes.  ROUND tells who was found: found twice is an error, and who was not
 * found ends.
 * SPDX-License-Identifier: MIT */
#include "script/recorder.h"

#include <string.h>

#include "base/mem.h"

struct kept {
    struct kept *next;      /* of the same bucket */
    mw_labels *given, *own; /* GIVEN may be NULL: not known */
    uint64_t ref;
    uint64_t round; /* of the last run that found it */
    size_t place;   /* in LAST */
    bool fresh;     /* not in LAST yet */
    bool written;   /* the store took the sample of this run */
};

struct list {
    struct kept **p;
    size_t n, cap;
};

struct mw_recorder {
    mw_promql_prepared *query;
    mw_label *extra; /* with the name; owned texts */
    size_t n_extra, limit;
    struct list last; /* in the order of the last answer */
    struct kept **buckets;
    size_t n_buckets, n_kept; /* a power of two, or 0 */
    uint64_t round;
};

/* -- making --------------------------------------------------------------------------------- */

static void set_extra(mw_recorder *r, mw_str name, mw_str value)
{
    mw_label *l = &r->extra[r->n_extra++];
    l->name = (mw_str){mw_strndup(name.p, name.n), name.n};
    l->value = (mw_str){mw_strndup(value.p ? value.p : "", value.n), value.n};
}

mw_recorder *mw_recorder_new(mw_str expr, mw_str name, const mw_label *extra, size_t n,
                             size_t limit, mw_err *err)
{
    mw_promql_prepared *query = mw_promql_prepare(expr, err);
    if (!query) return NULL;
    mw_recorder *r = mw_zalloc(sizeof *r);
    r->query = query;
    r->limit = limit;
    r->extra = mw_array(n + 1, sizeof *r->extra);
    set_extra(r, MW_STR(MW_METRIC_NAME), name);
    for (size_t i = 0; i < n; i++)
        if (!mw_str_is(extra[i].name, MW_METRIC_NAME)) set_extra(r, extra[i].name, extra[i].value);
    return r;
}

static void free_kept(struct kept *k)
{
    mw_free(k->given);
    mw_free(k->own);
    mw_free(k);
}

void mw_recorder_free(mw_recorder *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->last.n; i++) free_kept(r->last.p[i]);
    for (size_t i = 0; i < r->n_extra; i++) {
        mw_free((char *)r->extra[i].name.p);
        mw_free((char *)r->extra[i].value.p);
    }
    mw_free(r->extra);
    mw_free(r->last.p);
    mw_free(r->buckets);
    mw_promql_prepared_free(r->query);
    mw_free(r);
}

size_t mw_recorder_series(const mw_recorder *r) { return r->last.n; }

/* -- the table ------------------------------------------------------------------------------ */

static struct kept **bucket(mw_recorder *r, const mw_labels *own)
{
    return &r->buckets[own->hash & (r->n_buckets - 1)];
}

static void grow(mw_recorder *r)
{
    struct kept **old = r->buckets;
    size_t n_old = r->n_buckets;
    r->n_buckets = n_old ? n_old * 2 : 16;
    r->buckets = mw_array(r->n_buckets, sizeof *r->buckets);
    for (size_t i = 0; i < n_old; i++)
        for (struct kept *k = old[i], *next; k; k = next) {
            struct kept **to = bucket(r, k->own);
            next = k->next;
            k->next = *to;
            *to = k;
        }
    mw_free(old);
}

static struct kept *find(mw_recorder *r, const mw_labels *own)
{
    if (!r->n_buckets) return NULL;
    for (struct kept *k = *bucket(r, own); k; k = k->next)
        if (mw_labels_eq(k->own, own)) return k;
    return NULL;
}

static void insert(mw_recorder *r, struct kept *k)
{
    if (r->n_kept >= r->n_buckets) grow(r);
    struct kept **at = bucket(r, k->own);
    k->next = *at;
    *at = k;
    r->n_kept++;
}

static void remove_kept(mw_recorder *r, struct kept *k)
{
    struct kept **at = bucket(r, k->own);
    while (*at != k) at = &(*at)->next;
    *at = k->next;
    r->n_kept--;
    free_kept(k);
}

/* -- from rows to series -------------------------------------------------------------------- */

static bool is_extra(const mw_recorder *r, mw_str name)
{
    for (size_t i = 0; i < r->n_extra; i++)
        if (mw_str_eq(r->extra[i].name, name)) return true;
    return false;
}

static mw_labels *own_labels(const mw_recorder *r, const mw_labels *given, mw_err *err)
{
    mw_label *l = mw_array(given->n + r->n_extra, sizeof *l);
    size_t n = r->n_extra;
    memcpy(l, r->extra, n * sizeof *l);
    for (uint32_t i = 0; i < given->n; i++)
        if (!is_extra(r, given->l[i].name)) l[n++] = given->l[i];
    mw_labels *own = mw_labels_new(l, n, err);
    mw_free(l);
    return own;
}

/* The series for GIVEN, made when it is new; NULL with ERR. */
static struct kept *series_for(mw_recorder *r, const mw_labels *given, mw_err *err)
{
    mw_labels *own = own_labels(r, given, err);
    if (!own) return NULL;
    struct kept *k = find(r, own);
    if (k) {
        mw_free(own);
        mw_free(k->given);
    } else {
        k = mw_zalloc(sizeof *k);
        k->own = own;
        k->fresh = true;
        insert(r, k);
    }
    k->given = mw_labels_copy(given);
    return k;
}

static void refuse_double(const mw_labels *own, mw_err *err)
{
    mw_buf text;
    mw_buf_init(&text);
    mw_labels_text(own, &text);
    mw_fail(err, MW_EEXEC, 0, 0,
            "vector contains metrics with the same labelset after applying rule labels: %s",
            text.p);
    mw_buf_deinit(&text);
}

/* The series of one row.  *AT is where in LAST it probably stands, and moves on. */
static struct kept *match(mw_recorder *r, const mw_labels *given, size_t *at, mw_err *err)
{
    struct kept *k = *at < r->last.n ? r->last.p[*at] : NULL;
    if (!k || !k->given || !mw_labels_eq(k->given, given)) k = series_for(r, given, err);
    if (!k) return NULL;
    if (k->round == r->round) {
        refuse_double(k->own, err);
        return NULL;
    }
    k->round = r->round;
    k->written = false;
    if (!k->fresh) *at = k->place + 1;
    return k;
}

static bool has_value(const mw_promql_row *row) { return row->n || row->n_h; }

/* Fills NOW with the series of each row that has a value, in order. */
static int match_all(mw_recorder *r, const mw_promql_result *res, struct list *now, mw_err *err)
{
    size_t at = 0, n = 0;
    for (size_t i = 0; i < res->n; i++) n += has_value(&res->rows[i]);
    if (r->limit && n > r->limit)
        return mw_fail(err, MW_ELIMIT, 0, 0, "exceeded limit of %zu with %zu series", r->limit, n);
    r->round++;
    for (size_t i = 0; i < res->n; i++) {
        if (!has_value(&res->rows[i])) continue;
        struct kept *k = match(r, res->rows[i].labels, &at, err);
        if (!k) return MW_EEXEC;
        MW_PUSH(now->p, now->n, now->cap, k);
    }
    return MW_OK;
}

/* -- writing -------------------------------------------------------------------------------- */

/* Counts what the store does not take of one series; any other code ends the run. */
static int tally(mw_recorded *out, int rc)
{
    switch (rc) {
    case MW_OK: out->written++; return MW_OK;
    case MW_EORDER: out->out_of_order++; return MW_OK;
    case MW_EOLD: out->too_old++; return MW_OK;
    case MW_EDUP: out->duplicates++; return MW_OK;
    case MW_ELIMIT:
    case MW_EBUSY: out->no_room++; return MW_OK;
    default: return rc;
    }
}

static void mark(mw_appender *a, struct kept *k, int64_t t)
{
    (void)mw_appender_add(a, k->own, &k->ref, t, mw_stale()); /* another rule may write it now */
}

static int write_row(mw_appender *a, struct kept *k, const mw_promql_row *row, int64_t t,
                     mw_recorded *out)
{
    int rc = row->n ? mw_appender_add(a, k->own, &k->ref, t, row->v[row->n - 1])
                    : mw_appender_add_histogram(a, k->own, &k->ref, t, row->h[row->n_h - 1]);
    k->written = rc == MW_OK;
    if (!k->written && !k->fresh) mark(a, k, t);
    return tally(out, rc);
}

static int write_all(mw_recorder *r, mw_host *h, const mw_promql_result *res,
                     const struct list *now, int64_t t, mw_recorded *out, mw_err *err)
{
    mw_appender *a = mw_appender_new(h->tsdb);
    int rc = MW_OK;
    for (size_t i = 0, k = 0; i < res->n && rc == MW_OK; i++)
        if (has_value(&res->rows[i])) rc = write_row(a, now->p[k++], &res->rows[i], t, out);
    for (size_t i = 0; i < r->last.n && rc == MW_OK; i++)
        if (r->last.p[i]->round != r->round) mark(a, r->last.p[i], t);
    if (rc == MW_OK)
        rc = mw_appender_commit(a, err);
    else
        mw_fail(err, rc, 0, 0, "%s", mw_code_text(rc));
    mw_appender_free(a);
    return rc;
}

/* -- what is remembered --------------------------------------------------------------------- */

/* LAST becomes what was found and written. */
static void settle(mw_recorder *r, struct list *now)
{
    for (size_t i = 0; i < r->last.n; i++)
        if (r->last.p[i]->round != r->round) remove_kept(r, r->last.p[i]);
    size_t n = 0;
    for (size_t i = 0; i < now->n; i++) {
        struct kept *k = now->p[i];
        if (!k->written) {
            remove_kept(r, k);
            continue;
        }
        k->fresh = false;
        k->place = n;
        now->p[n++] = k;
    }
    now->n = n;
    struct list before = r->last;
    r->last = *now;
    *now = before;
}

/* LAST stays as it was. */
static void undo(mw_recorder *r, const struct list *now)
{
    for (size_t i = 0; i < now->n; i++)
        if (now->p[i]->fresh) remove_kept(r, now->p[i]);
}

mw_promql_prepared *mw_recorder_query(mw_recorder *r) { return r->query; }

int mw_recorder_write(mw_recorder *r, mw_host *h, const mw_promql_result *res, int64_t t,
                      mw_recorded *out, mw_err *err)
{
    struct list now = {0};
    *out = (mw_recorded){0};
    if (!h->tsdb) return mw_fail(err, MW_EUNSUPPORTED, 0, 0, "no store here");
    int rc = MW_OK;
    if (res->type == MW_VALUE_STRING)
        rc = mw_fail(err, MW_EARG, 0, 0, "the expression is a string, not numbers");
    if (rc == MW_OK) rc = match_all(r, res, &now, err);
    if (rc == MW_OK && (now.n || r->last.n)) rc = write_all(r, h, res, &now, t, out, err);
    if (rc == MW_OK)
        settle(r, &now);
    else
        undo(r, &now);
    mw_free(now.p);
    return rc;
}

int mw_recorder_end(mw_recorder *r, mw_host *h, int64_t t, size_t *markers, mw_err *err)
{
    *markers = r->last.n;
    if (!r->last.n) return MW_OK;
    if (!h->tsdb) return mw_fail(err, MW_EUNSUPPORTED, 0, 0, "no store here");
    mw_appender *a = mw_appender_new(h->tsdb);
    for (size_t i = 0; i < r->last.n; i++) mark(a, r->last.p[i], t);
    int rc = mw_appender_commit(a, err);
    mw_appender_free(a);
    for (size_t i = 0; i < r->last.n; i++) remove_kept(r, r->last.p[i]);
    r->last.n = 0;
    return rc;
}

void mw_recorder_take(mw_recorder *to, mw_recorder *from)
{
    for (size_t i = 0; i < from->last.n; i++) {
        struct kept *k = from->last.p[i];
        if (find(to, k->own)) {
            free_kept(k);
            continue;
        }
        mw_free(k->given); /* the labels that TO adds may be others */
        k->given = NULL;
        k->round = 0;
        k->place = to->last.n;
        insert(to, k);
        MW_PUSH(to->last.p, to->last.n, to->last.cap, k);
    }
    from->last.n = from->n_kept = 0;
    if (from->n_buckets) memset(from->buckets, 0, from->n_buckets * sizeof *from->buckets);
}
