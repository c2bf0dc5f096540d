/* registry.h - live instruments: named families of labelled counters, gauges and histograms.
 *
 * Owns every series it hands out; borrowed pointers live until mw_registry_free.  Recording takes
 * no lock and does one plain store into a cell of the calling thread; creating a series locks.
 * A thread's cells outlive it: what it counted is kept.  Every registry also tells about itself:
 * moonwatch_registry_series, _refused_total (series) and _ignored_total (adds below 0 or NaN).
 * SPDX-License-Identifier: MIT */
#ifndef MW_METRICS_REGISTRY_H
#define MW_METRICS_REGISTRY_H
#include "base/buf.h"
#include "base/err.h"
#include "model/labels.h"

typedef struct mw_registry mw_registry;
typedef struct mw_series mw_series;

typedef enum mw_kind { MW_COUNTER, MW_GAUGE, MW_HISTOGRAM, MW_KINDS } mw_kind;

typedef struct mw_family {
    mw_kind kind;
    const char *name, *help, *unit; /* help and unit may be NULL */
    const double *buckets; /* histograms: ascending upper bounds without +Inf; NULL: default */
    size_t n_buckets;
    bool passing; /* its series may be taken away; gauges, and counters that are only set */
} mw_family;

mw_registry *mw_registry_new(size_t max_series); /* 0: 100000 */
void mw_registry_free(mw_registry *reg);         /* NULL is fine; no thread may record any more */

/* Find the series of FAMILY with these labels, creating both on first use.  *OUT is borrowed.
 * MW_EKIND: the name has another kind or other buckets, or is passing and FAMILY is not. MW_ELIMIT:
 * the registry is full. MW_EARG: invalid metric or label name, a value that is not UTF-8, "le" on a
 * histogram, bounds that do not ascend or are more than MW_BUCKETS_MAX. */
enum { MW_BUCKETS_MAX = 256 };
int mw_registry_series(mw_registry *reg, const mw_family *family, const mw_label *labels, size_t n,
                       mw_series **out, mw_err *err);

/* The same for families known at build time; dies on a refusal, which would be a bug.
 * LABELS is "name", "value", ..., NULL. */
mw_series *mw_counter(mw_registry *reg, const char *name, const char *help, ...)
    __attribute__((sentinel));
mw_series *mw_gauge(mw_registry *reg, const char *name, const char *help, ...)
    __attribute__((sentinel));
mw_series *mw_histogram(mw_registry *reg, const char *name, const char *help, ...)
    __attribute__((sentinel));

void mw_counter_add(mw_series *s, double by); /* by < 0 or NaN is ignored and counted */
void mw_gauge_set(mw_series *s, double v);
void mw_gauge_add(mw_series *s, double by);
void mw_histogram_observe(mw_series *s, double v);
double mw_series_value(const mw_series *s); /* counter and gauge: now; histogram: its count */

/* The calling thread's own cell of a counter: `*cell += 1` by that thread alone is what
 * mw_counter_add does, without the way there.  Good while the thread and the registry live. */
volatile double *mw_counter_cell(mw_series *s);

/* For collectors: the total of a counter that somebody else counts, as the kernel does. */
void mw_counter_set(mw_series *s, double total);

/* What series S of a passing family is about is no more: it leaves, and the pointer is good no
 * longer.  Whoever asked for it says so; a page that is being written still has it. */
void mw_registry_remove(mw_registry *reg, mw_series *s);

/* Gauges and counters whose value is asked for when the page is read. */
typedef void mw_collect(void *arg, mw_registry *reg);
void mw_registry_on_collect(mw_registry *reg, mw_collect *fn,
                            void *arg); /* sets gauges before a read */

/* Buckets.  OUT holds N.  The default ones are 0.005 ... 10 as every Prometheus client has them. */
extern const double mw_buckets_default[11];
void mw_buckets_linear(double start, double width, size_t n, double *out);
void mw_buckets_exponential(double start, double factor, size_t n, double *out);

/* -- reading -------------------------------------------------------------------------------- */

typedef enum mw_exposition { MW_TEXT_004, MW_OPENMETRICS_100 } mw_exposition;

void mw_registry_expose(mw_registry *reg, mw_exposition format, mw_buf *out);
const char *mw_exposition_type(mw_exposition format);   /* value for Content-Type */
mw_exposition mw_exposition_choose(const char *accept); /* by an Accept header; NULL: text */

/* Every sample of every family as series (histograms as _bucket, _sum, _count): this is how
 * moonwatch scrapes itself without text in between.  LS is valid during the call.  A series' own
 * label that EXTRA names too is given as exported_NAME.  VISIT may use the registry. */
typedef void mw_registry_visit(void *arg, const mw_labels *ls, double v);
void mw_registry_each(mw_registry *reg, const mw_label *extra, size_t n_extra,
                      mw_registry_visit *visit, void *arg);

#endif
