/* cells.c - recording: cells of the calling thread, and what becomes of them.
 *
 * A cell has one writer, so adding is a plain load and store (relaxed atomics, for the readers'
 * sake).  A thread finds its row through a thread-local head that remembers the registry it used
 * last.  When the thread ends, a destructor folds its rows into the retired rows.
 *
 * A registry may go before the threads do: its rows then keep the empty shell alive, so that no
 * new registry can have the address that a thread still remembers.
 *
 * The thread-local head and the key of its destructor are this program's only variables outside
 * a struct: what belongs to a thread can hang from nothing else.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/inside.h"

typedef struct thread_head {
    mw_registry *reg; /* of the row used last */
    double **pages;
    size_t n_pages;
    mw_row *rows;
} thread_head;

static __thread thread_head mine;
static pthread_key_t at_exit_key;
static pthread_once_t at_exit_once = PTHREAD_ONCE_INIT;

/* An aligned double is read and written in one piece on every machine this runs on.  The atomic
 * builtins say so too, but carry it through an integer register, which triples the cost of adding;
 * they are kept for ThreadSanitizer, which must know. */
#ifdef __SANITIZE_THREAD__
static inline double cell_read(const double *c)
{
    double v;
    __atomic_load(c, &v, __ATOMIC_RELAXED);
    return v;
}
static inline void cell_write(double *c, double v) { __atomic_store(c, &v, __ATOMIC_RELAXED); }
#else
static inline double cell_read(const double *c) { return *(const volatile double *)c; }
static inline void cell_write(double *c, double v) { *(volatile double *)c = v; }
#endif

static inline void cell_add(double *c, double by) { cell_write(c, cell_read(c) + by); }

/* -- rows ----------------------------------------------------------------------------------- */

static void row_widen(mw_row *row, size_t n_pages)
{
    double **pages = mw_array(n_pages, sizeof *pages);
    if (row->n_pages) memcpy(pages, row->pages, row->n_pages * sizeof *pages);
    mw_free(row->pages);
    row->pages = pages;
    row->n_pages = n_pages;
}

static double *row_page(mw_row *row, size_t page)
{
    if (page >= row->n_pages) row_widen(row, page + page / 2 + 1);
    if (!row->pages[page]) row->pages[page] = mw_array(MW_PAGE_CELLS, sizeof(double));
    return row->pages[page];
}

void mw_row_deinit_pages(mw_row *row)
{
    for (size_t i = 0; i < row->n_pages; i++) mw_free(row->pages[i]);
    mw_free(row->pages);
    row->pages = NULL;
    row->n_pages = 0;
}

void mw_registry_unref(mw_registry *reg)
{
    unsigned left = --reg->refs;
    pthread_mutex_unlock(&reg->lock);
    if (left) return;
    pthread_mutex_destroy(&reg->lock);
    mw_free(reg);
}

static void fold(mw_row *row)
{
    for (size_t p = 0; p < row->n_pages; p++) {
        if (!row->pages[p]) continue;
        double *to = row_page(&row->reg->retired, p);
        for (size_t i = 0; i < MW_PAGE_CELLS; i++) cell_add(&to[i], row->pages[p][i]);
    }
}

static void row_leave(mw_row *row)
{
    mw_registry *reg = row->reg;
    pthread_mutex_lock(&reg->lock);
    if (!reg->closed) fold(row);
    *row->slot = row->next;
    if (row->next) row->next->slot = row->slot;
    mw_row_deinit_pages(row);
    mw_free(row);
    mw_registry_unref(reg);
}

static void thread_ends(void *head)
{
    thread_head *h = head;
    for (mw_row *row = h->rows, *next; row; row = next) {
        next = row->next_of_thread;
        row_leave(row);
    }
    *h = (thread_head){0};
}

static void make_key(void) { MW_ASSERT(pthread_key_create(&at_exit_key, thread_ends) == 0); }

static mw_row *row_enter(mw_registry *reg)
{
    pthread_once(&at_exit_once, make_key);
    pthread_setspecific(at_exit_key, &mine);
    mw_row *row = mw_zalloc(sizeof *row);
    row->reg = reg;
    row->next_of_thread = mine.rows;
    mine.rows = row;
    reg->refs++;
    row->next = reg->rows;
    row->slot = &reg->rows;
    if (row->next) row->next->slot = &row->next;
    reg->rows = row;
    return row;
}

void mw_row_release_own(mw_registry *reg)
{
    for (mw_row **slot = &mine.rows; *slot; slot = &(*slot)->next_of_thread) {
        mw_row *row = *slot;
        if (row->reg != reg) continue;
        *slot = row->next_of_thread;
        row_leave(row);
        break;
    }
    if (mine.reg == reg) mine.reg = NULL;
}

/* The first use of a registry or a page by this thread, or a change of registry. */
static __attribute__((noinline)) double *find_cell(const mw_series *s)
{
    mw_registry *reg = s->reg;
    mw_row *row = mine.rows;
    pthread_mutex_lock(&reg->lock);
    while (row && row->reg != reg) row = row->next_of_thread;
    if (!row) row = row_enter(reg);
    double *page = row_page(row, s->page);
    pthread_mutex_unlock(&reg->lock);
    mine.reg = reg;
    mine.pages = row->pages;
    mine.n_pages = row->n_pages;
    return page + s->at;
}

static inline double *cell_of(const mw_series *s)
{
    if (__builtin_expect(mine.reg == s->reg && s->page < mine.n_pages, 1)) {
        double *page = mine.pages[s->page];
        if (__builtin_expect(page != NULL, 1)) return page + s->at;
    }
    return find_cell(s);
}

/* -- recording ------------------------------------------------------------------------------ */

static void ignore(const mw_series *s)
{
    __atomic_fetch_add(&s->reg->ignored, 1, __ATOMIC_RELAXED);
}

void mw_counter_add(mw_series *s, double by)
{
    if (__builtin_expect(!(by >= 0), 0)) {
        ignore(s);
        return;
    }
    cell_add(cell_of(s), by);
}

volatile double *mw_counter_cell(mw_series *s) { return cell_of(s); }
void mw_counter_set(mw_series *s, double total) { cell_write(&s->shared, total); }
void mw_gauge_set(mw_series *s, double v) { cell_write(&s->shared, v); }

void mw_gauge_add(mw_series *s, double by)
{
    double was = cell_read(&s->shared), is;
    do {
        is = was + by;
    } while (!__atomic_compare_exchange(&s->shared, &was, &is, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
}

/* How many bounds are below V: its bucket.  A NaN is above all.  Most values fall low, so few are
 * searched in order; many are halved first. */
static inline uint32_t bucket_of(const double *bounds, uint32_t n, double v)
{
    uint32_t at = 0, end = n;
    while (end - at > 16) {
        uint32_t mid = at + (end - at) / 2;
        if (v <= bounds[mid])
            end = mid;
        else
            at = mid + 1;
    }
    while (at < end && !(v <= bounds[at])) at++;
    return at;
}

void mw_histogram_observe(mw_series *s, double v)
{
    double *cells = cell_of(s);
    cell_add(&cells[bucket_of(s->bounds, s->n_bounds, v)], 1);
    cell_add(&cells[s->n_bounds + 1], v);
}

/* -- reading -------------------------------------------------------------------------------- */

static void add_row(const mw_row *row, const mw_series *s, double *out, size_t n)
{
    if (s->page >= row->n_pages || !row->pages[s->page]) return;
    for (size_t i = 0; i < n; i++) out[i] += cell_read(&row->pages[s->page][s->at + i]);
}

static void cells_sum(const mw_registry *reg, const mw_series *s, double *out, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = 0;
    add_row(&reg->retired, s, out, n);
    for (const mw_row *row = reg->rows; row; row = row->next) add_row(row, s, out, n);
}

static void add_all(const mw_row *row, size_t n_cells, double *out)
{
    for (size_t p = 0; p < row->n_pages && p * MW_PAGE_CELLS < n_cells; p++) {
        size_t n = n_cells - p * MW_PAGE_CELLS;
        if (n > MW_PAGE_CELLS) n = MW_PAGE_CELLS;
        double *to = out + p * MW_PAGE_CELLS;
        for (size_t i = 0; row->pages[p] && i < n; i++) to[i] += cell_read(&row->pages[p][i]);
    }
}

void mw_cells_total(const mw_registry *reg, double *out)
{
    add_all(&reg->retired, reg->n_cells, out);
    for (const mw_row *row = reg->rows; row; row = row->next) add_all(row, reg->n_cells, out);
}

double mw_series_value(const mw_series *s)
{
    if (s->set->kind == MW_GAUGE || s->set->passing) return cell_read(&s->shared);
    double cells[MW_BUCKETS_MAX + 2], sum = cell_read(&s->shared);
    size_t n = s->set->kind == MW_COUNTER ? 1 : s->n_bounds + 1;
    pthread_mutex_lock(&s->reg->lock);
    cells_sum(s->reg, s, cells, n);
    pthread_mutex_unlock(&s->reg->lock);
    for (size_t i = 0; i < n; i++) sum += cells[i];
    return sum;
}
