/* notes.c - warnings and infos of one evaluation.
 *
 * Notes are the same when their texts are; where they come from is added at the end, and the last
 * place wins.  Ten of a kind are shown and the rest is counted.  Repaired histograms are one note
 * that tells of the worst repair, however many samples there were.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "promql/eval.h"

enum { SHOWN = 10, COUNTED = 1 << 16, TEXT_MAX = 512 };

struct note {
    const char *text;
    bool placed;
    size_t pos;
    struct repair worst; /* of all that were told under this text */
    size_t repairs;
    int64_t from, to;
};

/* Texts beyond those shown, by hash: 0 is free. */
struct mw_pq_notes {
    struct note shown[SHOWN];
    size_t n, more;
    uint64_t *seen;
    size_t n_seen, cap;
};

static size_t slot_of(const uint64_t *seen, size_t cap, uint64_t h)
{
    size_t at = h & (cap - 1);
    while (seen[at] && seen[at] != h) at = (at + 1) & (cap - 1);
    return at;
}

static uint64_t hash_of(const char *text) { return mw_hash(text, strlen(text)) | 1; }

static void count_more(struct run *r, struct mw_pq_notes *k, uint64_t h)
{
    if (k->n_seen * 2 >= k->cap) {
        size_t cap = k->cap ? k->cap * 2 : 64;
        uint64_t *seen = mw_pq_alloc(r, cap, sizeof *seen);
        memset(seen, 0, cap * sizeof *seen);
        for (size_t i = 0; i < k->cap; i++)
            if (k->seen[i]) seen[slot_of(seen, cap, k->seen[i])] = k->seen[i];
        k->seen = seen;
        k->cap = cap;
    }
    size_t at = slot_of(k->seen, k->cap, h);
    if (k->seen[at] || k->n_seen == COUNTED) return;
    k->seen[at] = h;
    k->n_seen++;
    k->more++;
}

static const char *kept(struct run *r, const char *text)
{
    size_t n = strlen(text) + 1;
    return memcpy(mw_pq_alloc(r, n, 1), text, n);
}

/* The note of KIND that says TEXT; NULL when it is one of those that are only counted. */
static struct note *note_of(struct run *r, int kind, const char *text)
{
    if (!r->notes[kind]) {
        r->notes[kind] = mw_pq_alloc(r, 1, sizeof *r->notes[kind]);
        memset(r->notes[kind], 0, sizeof *r->notes[kind]);
    }
    struct mw_pq_notes *k = r->notes[kind];
    for (size_t i = 0; i < k->n; i++)
        if (!strcmp(k->shown[i].text, text)) return &k->shown[i];
    if (k->n == SHOWN) return count_more(r, k, hash_of(text)), NULL;
    k->shown[k->n] = (struct note){.text = kept(r, text)};
    return &k->shown[k->n++];
}

void mw_pq_note(struct run *r, int kind, const struct node *node, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct note *n = note_of(r, kind, text);
    if (!n || !node) return;
    n->placed = true;
    n->pos = node->own;
}

void mw_pq_note_quantile(struct ev *e, const struct node *arg, const double *q)
{
    char text[PQ_NUMBER_TEXT];
    for (size_t i = 0; i < e->n; i++)
        if (!(q[i] >= 0 && q[i] <= 1))
            mw_pq_note(e->run, PQ_WARNING, arg,
                       "PromQL warning: quantile value should be between 0 and 1, got %s",
                       mw_pq_number_text(q[i], text));
}

/* -- repaired histograms -------------------------------------------------------------------- */

static const char repaired[] =
    "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
    "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";

static void add_repairs(struct note *n, const struct repair *how, size_t times, int64_t from,
                        int64_t to)
{
    bool first = !n->repairs;
    n->worst.low = first ? how->low : fmin(n->worst.low, how->low);
    n->worst.high = first ? how->high : fmax(n->worst.high, how->high);
    n->worst.diff = first ? how->diff : fmax(n->worst.diff, how->diff);
    if (first || from < n->from) n->from = from;
    if (first || to > n->to) n->to = to;
    n->repairs += times;
}

void mw_pq_note_repair(struct run *r, const struct node *node, mw_str metric,
                       const struct repair *how, int64_t t)
{
    char text[TEXT_MAX], name[200];
    snprintf(text, sizeof text, "%s%s%s", repaired, metric.n ? " for metric name " : "",
             metric.n ? mw_pq_quote(metric, 128, name, sizeof name) : "");
    struct note *n = note_of(r, PQ_INFO, text);
    if (!n) return;
    if (!n->repairs) n->placed = true, n->pos = node->own;
    add_repairs(n, how, 1, t, t);
}

/* "2015-07-01T20:10:51Z": to the second. */
static const char *second_of(int64_t t, char out[40])
{
    mw_time_rfc3339(t, out);
    char *dot = strchr(out, '.');
    if (dot) strcpy(dot, "Z");
    return out;
}

static size_t put_repair(const struct note *n, char *out, size_t cap)
{
    char low[PQ_NUMBER_TEXT], high[PQ_NUMBER_TEXT], from[40], to[40];
    int wrote =
        snprintf(out, cap,
                 ", from buckets %s to %s, with a max diff of %.2g, over %zu samples from "
                 "%s to %s",
                 mw_pq_number_text(n->worst.low, low), mw_pq_number_text(n->worst.high, high),
                 n->worst.diff, n->repairs, second_of(n->from, from), second_of(n->to, to));
    return (size_t)wrote < cap ? (size_t)wrote : cap - 1;
}

/* -- pieces of an evaluation ---------------------------------------------------------------- */

static bool is_shown(const struct mw_pq_notes *k, uint64_t h)
{
    for (size_t i = 0; k && i < k->n; i++)
        if (hash_of(k->shown[i].text) == h) return true;
    return false;
}

void mw_pq_notes_take(struct run *r, const struct run *from)
{
    for (int kind = 0; kind < 2; kind++) {
        const struct mw_pq_notes *k = from->notes[kind];
        for (size_t i = 0; k && i < k->n; i++) {
            const struct note *one = &k->shown[i];
            struct note *n = note_of(r, kind, one->text);
            if (!n) continue;
            if (one->placed && !n->repairs) n->placed = true, n->pos = one->pos;
            if (one->repairs) add_repairs(n, &one->worst, one->repairs, one->from, one->to);
        }
        for (size_t i = 0; k && i < k->cap; i++)
            if (k->seen[i] && !is_shown(r->notes[kind], k->seen[i]))
                count_more(r, r->notes[kind], k->seen[i]);
    }
}

/* -- the end -------------------------------------------------------------------------------- */

static const char *told(struct run *r, const struct note *n)
{
    char text[TEXT_MAX + 256];
    int line, col;
    size_t at = (size_t)snprintf(text, sizeof text, "%s", n->text);
    if (n->repairs) at += put_repair(n, text + at, sizeof text - at);
    if (n->placed) {
        mw_pq_place(r->src, n->pos, &line, &col);
        snprintf(text + at, sizeof text - at, " (%d:%d)", line, col);
    }
    return kept(r, text);
}

const char *const *mw_pq_notes(struct run *r, int kind, size_t *n)
{
    const struct mw_pq_notes *k = r->notes[kind];
    char text[64];
    *n = 0;
    if (!k) return NULL;
    const char **out = mw_pq_alloc(r, k->n + 1, sizeof *out);
    for (size_t i = 0; i < k->n; i++) out[(*n)++] = told(r, &k->shown[i]);
    if (!k->more) return out;
    snprintf(text, sizeof text, "%zu more %s annotations omitted", k->more,
             kind == PQ_WARNING ? "warning" : "info");
    out[(*n)++] = kept(r, text);
    return out;
}
