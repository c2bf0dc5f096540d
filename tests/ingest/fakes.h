/* fakes.h - a store of samples that only writes down what it is given.
 *
 * Stands in for tsdb/ where a test wants to see every call, and to make the store refuse.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_FAKES_H
#define MW_TESTS_FAKES_H
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "histline.h"
#include "ingest/ingest.h"
#include "model/sample.h"

struct fake_series {
    mw_labels *labels;
    int64_t newest_exemplar;
    bool has_exemplar, gone; /* gone: has left memory, references to it are stale */
};

struct mw_tsdb {
    mw_buf text;   /* one line for each sample: labels @ time = value */
    mw_buf extras; /* one line for each exemplar and each word of metadata */
    size_t adds;   /* samples in any way */
    size_t parsed; /* adds that came with labels and without a reference */
    size_t rows;   /* adds that came in rows */
    size_t batches, aliases, commits;
    int refuse;        /* answer of the next add, once */
    int refuse_commit; /* of the next commit, once */
    struct fake_series *series;
    struct {
        mw_key key;
        uint64_t ref;
    } * keys;
    size_t n_series, series_cap, n_keys, keys_cap;
};

struct mw_appender {
    mw_tsdb *db;
};

mw_appender *mw_appender_new(mw_tsdb *db)
{
    mw_appender *a = mw_zalloc(sizeof *a);
    a->db = db;
    return a;
}

void mw_appender_free(mw_appender *a) { mw_free(a); }

/* -- who is known --------------------------------------------------------------------------- */

mw_key mw_tsdb_key(const mw_tsdb *db, const void *bytes, size_t n)
{
    return (mw_key){mw_hash_seed(bytes, n, 7), (uint32_t)mw_hash_seed(bytes, n, 8)};
}

static void fake_varint(mw_buf *b, size_t v)
{
    for (; v >= 0x80; v >>= 7) mw_buf_byte(b, (char)(v | 0x80));
    mw_buf_byte(b, (char)v);
}

void mw_tsdb_canonical(const mw_labels *ls, mw_buf *out)
{
    for (uint32_t i = 0; i < ls->n; i++) {
        mw_buf l;
        mw_buf_init(&l);
        mw_buf_byte(&l, 0x0a);
        fake_varint(&l, ls->l[i].name.n);
        mw_buf_str(&l, ls->l[i].name);
        mw_buf_byte(&l, 0x12);
        fake_varint(&l, ls->l[i].value.n);
        mw_buf_str(&l, ls->l[i].value);
        mw_buf_byte(out, 0x0a);
        fake_varint(out, l.n);
        mw_buf_add(out, l.p, l.n);
        mw_buf_deinit(&l);
    }
}

static uint64_t *fake_key(mw_tsdb *db, mw_key key)
{
    for (size_t i = 0; i < db->n_keys; i++)
        if (db->keys[i].key.lo == key.lo && db->keys[i].key.hi == key.hi) return &db->keys[i].ref;
    return NULL;
}

static void fake_learn(mw_tsdb *db, mw_key key, uint64_t ref)
{
    uint64_t *known = fake_key(db, key);
    if (!known) {
        mw_grow(&db->keys, &db->keys_cap, db->n_keys + 1, sizeof *db->keys);
        db->keys[db->n_keys].key = key;
        known = &db->keys[db->n_keys++].ref;
    }
    *known = ref;
}

static struct fake_series *fake_at(mw_tsdb *db, uint64_t ref)
{
    return ref && ref <= db->n_series && !db->series[ref - 1].gone ? &db->series[ref - 1] : NULL;
}

static uint64_t fake_find(mw_tsdb *db, const mw_labels *ls)
{
    for (size_t i = 0; i < db->n_series; i++)
        if (!db->series[i].gone && mw_labels_eq(db->series[i].labels, ls)) return i + 1;
    return 0;
}

static uint64_t fake_ref(mw_tsdb *db, const mw_labels *ls)
{
    uint64_t ref = fake_find(db, ls);
    mw_buf bytes;
    if (ref) return ref;
    mw_buf_init(&bytes);
    MW_PUSH(db->series, db->n_series, db->series_cap,
            ((struct fake_series){.labels = mw_labels_copy(ls)}));
    mw_tsdb_canonical(ls, &bytes);
    fake_learn(db, mw_tsdb_key(db, bytes.p, bytes.n), db->n_series);
    mw_buf_deinit(&bytes);
    return db->n_series;
}

/* Every series leaves memory, as after a long silence. */
static inline void fake_forget(mw_tsdb *db)
{
    for (size_t i = 0; i < db->n_series; i++) db->series[i].gone = true;
}

/* -- samples -------------------------------------------------------------------------------- */

static bool fake_refuses(mw_tsdb *db, int *code)
{
    *code = db->refuse;
    db->refuse = 0;
    return *code != 0;
}

static int fake_store(mw_tsdb *db, uint64_t ref, int64_t t, double v)
{
    int code;
    db->adds++;
    if (fake_refuses(db, &code)) return code;
    mw_labels_text(db->series[ref - 1].labels, &db->text);
    mw_buf_printf(&db->text, " @%lld ", (long long)t);
    if (mw_is_stale(v))
        mw_buf_text(&db->text, "stale");
    else
        mw_buf_double(&db->text, v);
    mw_buf_byte(&db->text, '\n');
    return MW_OK;
}

int mw_appender_add(mw_appender *a, const mw_labels *ls, uint64_t *ref, int64_t t, double v)
{
    a->db->parsed += *ref == 0;
    if (!fake_at(a->db, *ref)) *ref = fake_ref(a->db, ls);
    return fake_store(a->db, *ref, t, v);
}

void mw_appender_rows(mw_appender *a, mw_row *rows, size_t n)
{
    mw_tsdb *db = a->db;
    db->batches++;
    for (size_t i = 0; i < n; i++) {
        uint64_t *found = rows[i].ref ? NULL : fake_key(db, rows[i].key);
        if (found) rows[i].ref = *found;
        rows[i].code = fake_at(db, rows[i].ref) ? MW_OK : MW_ENOENT;
        if (rows[i].code) continue;
        db->rows++;
        rows[i].code = fake_store(db, rows[i].ref, rows[i].t, rows[i].v);
    }
}

void mw_appender_alias(mw_appender *a, mw_key key, uint64_t ref)
{
    a->db->aliases++;
    fake_learn(a->db, key, ref);
}

int mw_appender_add_histogram(mw_appender *a, const mw_labels *ls, uint64_t *ref, int64_t t,
                              const mw_nhist *h)
{
    mw_tsdb *db = a->db;
    mw_buf *b = &db->text;
    int code;
    db->adds++;
    if (!fake_at(db, *ref)) *ref = fake_ref(db, ls);
    if (fake_refuses(db, &code)) return code;
    mw_labels_text(ls, b);
    mw_buf_printf(b, " @%lld ", (long long)t);
    histline(h, b);
    mw_buf_byte(b, '\n');
    return MW_OK;
}

/* -- what comes with samples ---------------------------------------------------------------- */

int mw_appender_add_exemplar(mw_appender *a, const mw_labels *ls, const mw_exemplar *e)
{
    mw_tsdb *db = a->db;
    struct fake_series *s = fake_at(db, fake_find(db, ls));
    if (!s) return MW_ENOENT;
    if (s->has_exemplar && e->t < s->newest_exemplar) return MW_EORDER;
    s->has_exemplar = true;
    s->newest_exemplar = e->t;
    mw_labels_text(ls, &db->extras);
    mw_buf_text(&db->extras, " # ");
    mw_labels_text(e->labels, &db->extras);
    mw_buf_printf(&db->extras, " %g @%lld\n", e->v, (long long)e->t);
    return MW_OK;
}

void mw_appender_set_metadata(mw_appender *a, mw_str name, mw_str type, mw_str help, mw_str unit)
{
    mw_buf_printf(&a->db->extras, "%.*s is %.*s in %.*s: %.*s\n", MW_STR_ARG(name),
                  MW_STR_ARG(type), MW_STR_ARG(unit), MW_STR_ARG(help));
}

int mw_appender_commit(mw_appender *a, mw_err *err)
{
    int code = a->db->refuse_commit;
    a->db->refuse_commit = 0;
    a->db->commits++;
    return code ? mw_fail(err, code, 0, 0, "%s", mw_code_text(code)) : MW_OK;
}

static inline void fake_clear(mw_tsdb *db)
{
    mw_buf_reset(&db->text);
    mw_buf_reset(&db->extras);
    if (db->text.p) *db->text.p = 0;
    if (db->extras.p) *db->extras.p = 0;
    db->adds = db->commits = db->parsed = db->rows = db->batches = db->aliases = 0;
}

static inline void fake_free(mw_tsdb *db)
{
    for (size_t i = 0; i < db->n_series; i++) mw_free(db->series[i].labels);
    mw_free(db->series);
    mw_free(db->keys);
    mw_buf_deinit(&db->text);
    mw_buf_deinit(&db->extras);
}

static inline const char *fake_text(mw_tsdb *db) { return db->text.p ? db->text.p : ""; }
static inline const char *fake_extras(mw_tsdb *db) { return db->extras.p ? db->extras.p : ""; }

/* Samples that the store took. */
static inline size_t fake_lines(mw_tsdb *db)
{
    size_t n = 0;
    for (size_t i = 0; i < db->text.n; i++) n += db->text.p[i] == '\n';
    return n;
}

/* -- logs and traces: one line of JSON for each record, one of text for each span -------------- */

struct mw_logs {
    mw_buf text;
    size_t commits;
    int refuse;
};

int mw_logs_append(mw_logs *l, const mw_log_record *r, mw_err *err)
{
    if (l->refuse) {
        int code = l->refuse;
        l->refuse = 0;
        return code;
    }
    mw_log_record_json(r, &l->text);
    mw_buf_byte(&l->text, '\n');
    return MW_OK;
}

int mw_logs_commit(mw_logs *l, mw_err *err)
{
    l->commits++;
    return MW_OK;
}

struct mw_traces {
    mw_buf text;
    size_t commits;
};

static void fake_hex(mw_buf *b, const char *name, const void *id, size_t n)
{
    char hex[33];
    mw_hex(id, n, hex);
    mw_buf_printf(b, " %s=%s", name, hex);
}

int mw_traces_append(mw_traces *t, const mw_span *s, mw_err *err)
{
    static const uint8_t zero[16];
    mw_buf *b = &t->text;
    if (!memcmp(s->trace_id, zero, 16) || !memcmp(s->span_id, zero, 8))
        return mw_fail(err, MW_EARG, 0, 0, "a span's ids are all zero");
    mw_buf_printf(b, "%.*s/%.*s/%.*s", MW_STR_ARG(s->service), MW_STR_ARG(s->scope),
                  MW_STR_ARG(s->name));
    fake_hex(b, "trace", s->trace_id, 16);
    fake_hex(b, "span", s->span_id, 8);
    fake_hex(b, "parent", s->parent_id, 8);
    mw_buf_printf(b, " kind=%d status=%d:%.*s state=%.*s %lld+%lld ", (int)s->kind, (int)s->status,
                  MW_STR_ARG(s->status_message), MW_STR_ARG(s->trace_state), (long long)s->start_ns,
                  (long long)((uint64_t)s->end_ns - (uint64_t)s->start_ns));
    mw_attrs_json(s->attrs, s->n_attrs, b);
    mw_attrs_json(s->resource, s->n_resource, b);
    for (size_t i = 0; i < s->n_events; i++) {
        mw_buf_printf(b, " event=%.*s@%lld", MW_STR_ARG(s->events[i].name),
                      (long long)s->events[i].t_ns);
        mw_attrs_json(s->events[i].attrs, s->events[i].n_attrs, b);
    }
    for (size_t i = 0; i < s->n_links; i++) {
        fake_hex(b, "link", s->links[i].trace_id, 16);
        mw_attrs_json(s->links[i].attrs, s->links[i].n_attrs, b);
    }
    mw_buf_byte(b, '\n');
    return MW_OK;
}

int mw_traces_commit(mw_traces *t, mw_err *err)
{
    t->commits++;
    return MW_OK;
}

#endif
