/* relay.c - one reader, two makers, and loads that go round between them.
 *
 * The reader sorts what it reads by the maker that it is for.  A maker takes its loads in order:
 * the series of a load, then its samples.  When a load comes back, the reader enters its series
 * into the index, so that nobody else needs the index's lock.
 *
 * Floats and histograms of one load are two lists: a series that has both gets some of them late,
 * and that is all.
 * SPDX-License-Identifier: MIT */
#include "tsdb/relay.h"

#include <string.h>

#include "base/mem.h"
#include "base/pool.h"

enum {
    MAKERS = 2,
    LOADS = 4, /* on the way to one maker */
    SERIES = 2048,
    ROWS = 8192,
    HISTOGRAMS = 1024,
    BYTES = 2 << 20, /* pairs and histograms of a load, about */
    PAGE_BITS = 16,
    PAGE = 1 << PAGE_BITS
};

typedef struct newcomer {
    mw_key key;
    uint32_t number, n_pairs;
    const uint32_t *pairs; /* in the load's arena */
    uint32_t id;           /* set by the maker */
    bool fresh;            /* so, too: it was not there before */
} newcomer;

typedef struct histogram {
    uint32_t number;
    int64_t t;
    mw_str bytes; /* in the load's arena */
} histogram;

typedef struct load {
    newcomer series[SERIES];
    mw_row rows[ROWS]; /* ref: the journal's number, until the maker knows better */
    histogram histograms[HISTOGRAMS];
    size_t n_series, n_rows, n_histograms;
    mw_arena *arena;
} load;

typedef struct maker {
    mw_relay *relay;
    mw_appender *appender;
    uint32_t order[ROWS];
    load *loads[LOADS]; /* load k is at k % LOADS */
    size_t entered;     /* loads whose series are in the index; the reader's */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t given, done; /* loads, ever */
    bool stop;
} maker;

/* What is known of PAGE numbers.  A ref is written and read by the maker that owns the number. */
typedef struct page {
    uint64_t ref[PAGE];
    uint8_t owner[PAGE]; /* one more than the maker's place; 0: never named */
} page;

struct mw_relay {
    mw_tsdb *db;
    page *pages[MW_NUMBERS_MAX / PAGE];
    maker makers[MAKERS];
    mw_indexed entering[SERIES];
    mw_pool *pool;
    uint64_t lost;
};

/* -- a maker -------------------------------------------------------------------------------- */

static mw_stream *create(mw_tsdb *db, mw_shard *sh, const newcomer *c, uint32_t *slot)
{
    mw_stream *s = mw_shard_take(sh, slot);
    mw_stream_init(s, c->key, c->n_pairs, &sh->tally);
    memcpy(s->pairs, c->pairs, c->n_pairs * sizeof *c->pairs);
    s->doubt = true;
    s->birth = mw_birth_of(mw_index_birth(db->index));
    mw_shard_put(sh, *slot, s);
    __atomic_fetch_add(&db->series, 1, __ATOMIC_RELAXED);
    return s;
}

static uint64_t *ref_of(mw_relay *r, uint32_t number)
{
    return &r->pages[number >> PAGE_BITS]->ref[number & (PAGE - 1)];
}

static void make(mw_relay *r, newcomer *c)
{
    mw_shard *sh = mw_shard_of_key(r->db, c->key);
    uint32_t slot;
    pthread_mutex_lock(&sh->lock);
    mw_stream *s = mw_shard_find(sh, c->key, &slot);
    c->fresh = s == NULL;
    if (!s) s = create(r->db, sh, c, &slot);
    c->id = slot << r->db->shift | (uint32_t)(sh - r->db->shards);
    *ref_of(r, c->number) = mw_make_ref(r->db, sh, slot, s);
    pthread_mutex_unlock(&sh->lock);
}

static void ask_seat(const mw_tsdb *db, mw_key key)
{
    const mw_shard *sh = mw_shard_of_key(db, key);
    __builtin_prefetch(&sh->table[key.hi & sh->mask], 1);
}

enum { AHEAD = 16 }; /* series whose place in the table is asked for in time */

static void make_all(mw_relay *r, load *l)
{
    for (size_t i = 0; i < l->n_series; i++) {
        if (i + AHEAD < l->n_series) ask_seat(r->db, l->series[i + AHEAD].key);
        make(r, &l->series[i]);
    }
}

static void append(maker *m, load *l)
{
    mw_relay *r = m->relay;
    mw_row_groups groups = {.order = m->order};
    for (size_t i = 0; i < l->n_rows; i++) l->rows[i].ref = *ref_of(r, (uint32_t)l->rows[i].ref);
    mw_rows_gather(r->db, l->rows, l->n_rows, &groups);
    mw_rows_append(m->appender, l->rows, &groups, 0, r->db->n_shards);
    for (size_t i = 0; i < l->n_histograms; i++) {
        histogram *h = &l->histograms[i];
        uint64_t ref = *ref_of(r, h->number);
        mw_appender_add_bytes(m->appender, NULL, &ref, h->t, h->bytes);
    }
}

static load *next_load(maker *m)
{
    pthread_mutex_lock(&m->lock);
    while (m->done == m->given && !m->stop) pthread_cond_wait(&m->changed, &m->lock);
    load *l = m->done < m->given ? m->loads[m->done % LOADS] : NULL;
    pthread_mutex_unlock(&m->lock);
    return l;
}

static void run(void *arg)
{
    maker *m = arg;
    for (load *l; (l = next_load(m));) {
        make_all(m->relay, l);
        append(m, l);
        pthread_mutex_lock(&m->lock);
        m->done++;
        pthread_cond_signal(&m->changed);
        pthread_mutex_unlock(&m->lock);
    }
}

/* -- the reader ----------------------------------------------------------------------------- */

static load *filling(const maker *m) { return m->loads[m->given % LOADS]; }

static void wait_until_done(maker *m, size_t loads)
{
    pthread_mutex_lock(&m->lock);
    while (m->done < loads) pthread_cond_wait(&m->changed, &m->lock);
    pthread_mutex_unlock(&m->lock);
}

/* The oldest load that has not come back comes back, empty. */
static void take_back(maker *m)
{
    mw_relay *r = m->relay;
    load *l = m->loads[m->entered % LOADS];
    size_t n = 0;
    wait_until_done(m, ++m->entered);
    for (size_t i = 0; i < l->n_series; i++) {
        const newcomer *c = &l->series[i];
        if (c->fresh) r->entering[n++] = (mw_indexed){c->id, c->n_pairs, c->pairs};
    }
    mw_index_enter(r->db->index, r->entering, n);
    l->n_series = l->n_rows = l->n_histograms = 0;
    mw_arena_reset(l->arena);
}

static void give(maker *m)
{
    pthread_mutex_lock(&m->lock);
    m->given++;
    pthread_cond_signal(&m->changed);
    pthread_mutex_unlock(&m->lock);
    if (m->given - m->entered == LOADS) take_back(m);
}

static bool is_full(const load *l)
{
    return l->n_series == SERIES || l->n_rows == ROWS || l->n_histograms == HISTOGRAMS ||
           mw_arena_used(l->arena) > BYTES;
}

void mw_relay_drain(mw_relay *r)
{
    for (maker *m = r->makers; m < r->makers + MAKERS; m++) give(m);
    for (maker *m = r->makers; m < r->makers + MAKERS; m++)
        while (m->entered < m->given) take_back(m);
}

static uint8_t *owner_of(mw_relay *r, uint32_t number)
{
    page *p = number < MW_NUMBERS_MAX ? r->pages[number >> PAGE_BITS] : NULL;
    return p ? &p->owner[number & (PAGE - 1)] : NULL;
}

static void *copy(load *l, const void *p, size_t n)
{
    void *to = mw_arena_alloc(l->arena, n + 1);
    memcpy(to, p, n);
    return to;
}

bool mw_relay_series(mw_relay *r, uint32_t number, mw_key key, const uint32_t *pairs, uint32_t n)
{
    if (number >= MW_NUMBERS_MAX) return false;
    page **p = &r->pages[number >> PAGE_BITS];
    if (!*p) *p = mw_zalloc(sizeof **p);
    uint8_t *owner = owner_of(r, number);
    /* All series of a shard have one maker. */
    unsigned place = (unsigned)(mw_shard_of_key(r->db, key) - r->db->shards) % MAKERS;
    maker *m = &r->makers[place];
    if (*owner && *owner != place + 1) mw_relay_drain(r);
    /* Samples before it mean the series that had the number then. */
    if (*owner && (filling(m)->n_rows || filling(m)->n_histograms)) give(m);
    *owner = (uint8_t)(place + 1);
    load *l = filling(m);
    pairs = copy(l, pairs, n * sizeof *pairs);
    l->series[l->n_series++] =
        (newcomer){.key = key, .number = number, .n_pairs = n, .pairs = pairs};
    if (is_full(l)) give(m);
    return true;
}

static maker *maker_of(mw_relay *r, uint32_t number)
{
    const uint8_t *owner = owner_of(r, number);
    if (owner && *owner) return &r->makers[*owner - 1];
    r->lost++;
    return NULL;
}

void mw_relay_sample(mw_relay *r, uint32_t number, int64_t t, double v)
{
    maker *m = maker_of(r, number);
    if (!m) return;
    load *l = filling(m);
    l->rows[l->n_rows++] = (mw_row){.ref = number, .t = t, .v = v};
    if (l->n_rows == ROWS) give(m);
}

void mw_relay_histogram(mw_relay *r, uint32_t number, int64_t t, mw_str bytes)
{
    maker *m = maker_of(r, number);
    if (!m) return;
    load *l = filling(m);
    bytes.p = copy(l, bytes.p, bytes.n);
    l->histograms[l->n_histograms++] = (histogram){number, t, bytes};
    if (is_full(l)) give(m);
}

uint64_t mw_relay_lost(const mw_relay *r) { return r->lost; }

/* -- life ----------------------------------------------------------------------------------- */

void mw_relay_pause(mw_relay *r)
{
    for (int i = 0; i < MAKERS; i++) mw_appender_commit(r->makers[i].appender, NULL);
}

void mw_relay_resume(mw_relay *r)
{
    for (int i = 0; i < MAKERS; i++) mw_appender_enter(r->makers[i].appender);
}

static load *new_load(void)
{
    load *l = mw_alloc(sizeof *l); /* its pages are touched when they are used */
    l->n_series = l->n_rows = l->n_histograms = 0;
    l->arena = mw_arena_new(0);
    return l;
}

static void start_maker(mw_relay *r, maker *m)
{
    m->relay = r;
    for (int i = 0; i < LOADS; i++) m->loads[i] = new_load();
    m->appender = mw_appender_new(r->db);
    m->appender->unjournaled = true;
    m->appender->now = mw_now_ms(r->db->opt.clock);
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->changed, NULL);
    MW_ASSERT(mw_pool_add(r->pool, run, m) == MW_OK);
}

static void stop_maker(maker *m)
{
    pthread_mutex_lock(&m->lock);
    m->stop = true;
    pthread_cond_signal(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

static void free_maker(maker *m)
{
    mw_appender_free(m->appender);
    for (int i = 0; i < LOADS; i++) {
        mw_arena_free(m->loads[i]->arena);
        mw_free(m->loads[i]);
    }
    pthread_mutex_destroy(&m->lock);
    pthread_cond_destroy(&m->changed);
}

mw_relay *mw_relay_new(mw_tsdb *db)
{
    mw_relay *r = mw_zalloc(sizeof *r);
    r->db = db;
    r->pool = mw_pool_new("mw-replay", MAKERS, MAKERS);
    for (int i = 0; i < MAKERS; i++) start_maker(r, &r->makers[i]);
    mw_relay_resume(r);
    return r;
}

void mw_relay_free(mw_relay *r)
{
    for (int i = 0; i < MAKERS; i++) stop_maker(&r->makers[i]);
    mw_pool_free(r->pool);
    for (int i = 0; i < MAKERS; i++) free_maker(&r->makers[i]);
    for (size_t i = 0; i < MW_NUMBERS_MAX / PAGE; i++) mw_free(r->pages[i]);
    mw_free(r);
}
