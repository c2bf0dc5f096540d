/* mblock_lead.c - finding the label that settles others.
 *
 * In a fleet the pod or the instance settles job, namespace, node and cluster.  A few names with
 * many values are tried as leaders on a sample of the series; the one that saves most bytes leads.
 * A series that is not as the row of its leader says writes all its values: the rule need not hold
 * everywhere.  SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/mblock_writing.h"

enum {
    CANDIDATES = 4,
    SAMPLE = 1 << 16,    /* series, about */
    SERIES_A_VALUE = 4,  /* at least, of a leader: else its rows cost what they save */
    CELLS_A_SERIES = 2,  /* of all rows, at most; and */
    CELLS_FREE = 1 << 16 /* on top */
};

typedef struct candidate {
    uint32_t name;
    uint32_t *cell;       /* value of the candidate * names + name: value + 1 */
    uint64_t *hit, *seen; /* by name */
} candidate;

/* -- choosing ------------------------------------------------------------------------------- */

static bool may_lead(const mw_mblock_writer *w, uint32_t name)
{
    uint64_t values = w->values[name].n, limit = w->meta.series * CELLS_A_SERIES + CELLS_FREE;
    return values * SERIES_A_VALUE <= w->names.v[name].uses && values * w->names.n <= limit;
}

/* The names with most values, at most CANDIDATES of them. */
static size_t pick_candidates(const mw_mblock_writer *w, candidate *c)
{
    size_t n = 0;
    for (uint32_t name = 0; name < w->names.n; name++) {
        if (!may_lead(w, name)) continue;
        size_t at = n < CANDIDATES ? n++ : CANDIDATES;
        while (at > 0 && w->values[c[at - 1].name].n < w->values[name].n) {
            if (at < CANDIDATES) c[at] = c[at - 1];
            at--;
        }
        if (at < CANDIDATES) c[at] = (candidate){.name = name};
    }
    for (size_t i = 0; i < n; i++) {
        c[i].cell = mw_array(w->values[c[i].name].n * w->names.n, sizeof *c[i].cell);
        c[i].hit = mw_array(w->names.n, sizeof *c[i].hit);
        c[i].seen = mw_array(w->names.n, sizeof *c[i].seen);
    }
    return n;
}

static void tally(const mw_mblock_writer *w, candidate *c, const mw_mb_record *r)
{
    uint32_t at = 0;
    while (at < r->n && r->name[at] != c->name) at++;
    if (at == r->n) return;
    uint32_t *row = c->cell + (size_t)r->value[at] * w->names.n;
    for (uint32_t i = 0; i < r->n; i++) {
        uint32_t *cell = &row[r->name[i]];
        if (*cell) c->seen[r->name[i]]++;
        if (*cell == r->value[i] + 1) c->hit[r->name[i]]++;
        if (!*cell) *cell = r->value[i] + 1;
    }
}

static bool follows_mostly(const candidate *c, uint32_t name)
{
    return name != c->name && c->seen[name] && c->hit[name] * 16 >= c->seen[name] * 15;
}

static int64_t width(uint64_t values) { return values <= 128 ? 1 : values <= 16384 ? 2 : 3; }

/* Bytes that C saves as leader, when the sample took one of STRIDE series. */
static int64_t savings(const mw_mblock_writer *w, const candidate *c, uint64_t stride)
{
    int64_t sum = 0;
    for (uint32_t name = 0; name < w->names.n; name++) {
        if (!follows_mostly(c, name)) continue;
        int64_t bytes = width(w->values[name].n);
        sum += (int64_t)(c->hit[name] * stride) * bytes;
        sum -= (int64_t)w->values[c->name].n * bytes;
    }
    return sum;
}

static void take_leader(const mw_mblock_writer *w, const candidate *c, mw_mb_lead *l)
{
    l->name = c->name;
    l->follower = mw_array(w->names.n, sizeof *l->follower);
    for (size_t r = 0; r < w->names.n; r++) {
        uint32_t name = w->names.order[r];
        if (!follows_mostly(c, name)) continue;
        l->column_of[name] = (int32_t)l->n;
        l->follower[l->n++] = name;
    }
}

static void choose(const mw_mblock_writer *w, mw_mb_lead *l, mw_mb_record *r)
{
    candidate c[CANDIDATES];
    size_t n = pick_candidates(w, c);
    uint64_t stride = w->meta.series / SAMPLE + 1;
    const uint8_t *p = (const uint8_t *)w->records.p;
    for (uint64_t i = 0; n && i < w->meta.series; i++) {
        mw_mb_record_next(w, &p, r);
        if (i % stride) continue;
        for (size_t k = 0; k < n; k++) tally(w, &c[k], r);
    }
    const candidate *best = NULL;
    int64_t most = 0;
    for (size_t k = 0; k < n; k++) {
        int64_t saved = savings(w, &c[k], stride);
        if (saved > most) best = &c[k], most = saved;
    }
    if (best) take_leader(w, best, l);
    for (size_t k = 0; k < n; k++) {
        mw_free(c[k].cell);
        mw_free(c[k].hit);
        mw_free(c[k].seen);
    }
}

/* -- rows ----------------------------------------------------------------------------------- */

static int32_t leader_at(const mw_mblock_writer *w, const mw_mb_lead *l, uint32_t shape)
{
    int32_t at = -1;
    bool any = false;
    const mw_mb_text *s = &w->shapes.v[shape];
    const uint32_t *name = (const uint32_t *)(const void *)s->p;
    for (uint32_t i = 0; i < s->n / sizeof *name; i++) {
        if (name[i] == l->name) at = (int32_t)i;
        any |= l->column_of[name[i]] >= 0;
    }
    return any ? at : -1;
}

bool mw_mb_lead_follows(const mw_mb_lead *l, const mw_mb_record *r)
{
    int32_t at = l->at[r->shape];
    if (at < 0) return false;
    const uint32_t *row = l->rows + (size_t)r->value[at] * l->n;
    for (uint32_t i = 0; i < r->n; i++) {
        int32_t column = l->column_of[r->name[i]];
        if (column >= 0 && row[column] != r->value[i] + 1) return false;
    }
    return true;
}

/* What the first series with a leader's value says becomes its row. */
static void learn(mw_mb_lead *l, const mw_mb_record *r)
{
    int32_t at = l->at[r->shape];
    if (at < 0) return;
    uint32_t *row = l->rows + (size_t)r->value[at] * l->n;
    for (uint32_t i = 0; i < r->n; i++) {
        int32_t column = l->column_of[r->name[i]];
        if (column < 0) continue;
        if (!row[column]) row[column] = r->value[i] + 1;
        if (row[column] == r->value[i] + 1) l->agreed[column][r->value[i]]++;
    }
}

void mw_mb_lead_find(const mw_mblock_writer *w, mw_mb_lead *l)
{
    mw_mb_record r = {.value = mw_array(w->widest + 1, sizeof *r.value)};
    *l = (mw_mb_lead){.name = UINT32_MAX};
    l->column_of = mw_array(w->names.n + 1, sizeof *l->column_of);
    for (size_t i = 0; i < w->names.n; i++) l->column_of[i] = -1;
    choose(w, l, &r);

    l->at = mw_array(w->shapes.n, sizeof *l->at);
    l->shapes = mw_array(w->shapes.n * 2, sizeof *l->shapes);
    for (uint32_t i = 0; i < w->shapes.n; i++) l->at[i] = leader_at(w, l, i);
    l->rows = mw_array(l->n ? w->values[l->name].n * l->n : 1, sizeof *l->rows);
    l->agreed = mw_array(l->n + 1, sizeof *l->agreed);
    for (size_t i = 0; i < l->n; i++)
        l->agreed[i] = mw_array(w->values[l->follower[i]].n, sizeof **l->agreed);
    const uint8_t *p = (const uint8_t *)w->records.p;
    for (uint64_t i = 0; i < w->meta.series; i++) {
        mw_mb_record_next(w, &p, &r);
        learn(l, &r);
        l->shapes[r.shape * 2 + mw_mb_lead_follows(l, &r)]++;
    }
    mw_free(r.value);
}

void mw_mb_lead_deinit(mw_mb_lead *l, const mw_mblock_writer *w)
{
    for (size_t i = 0; i < l->n; i++) mw_free(l->agreed[i]);
    mw_free(l->agreed);
    mw_free(l->follower);
    mw_free(l->column_of);
    mw_free(l->at);
    mw_free(l->rows);
    mw_free(l->shapes);
}
