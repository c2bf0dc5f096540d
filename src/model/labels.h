/* labels.h - label sets: who a series, a log stream or an alert is.
 *
 * An mw_labels is immutable, sorted by name, without empty values, and one block of memory.  Names
 * and values point into that block and end in NUL.  Share it freely between threads.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_LABELS_H
#define MW_MODEL_LABELS_H
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

typedef struct mw_label {
    mw_str name, value;
} mw_label;

typedef struct mw_labels {
    uint64_t hash; /* of names and values; equal sets have equal hashes */
    uint32_t n;
    mw_label l[];
} mw_labels;

#define MW_METRIC_NAME "__name__"

/* Build from N pairs in any order; empty values are left out.  The pairs are copied.
 * NULL and MW_EARG in ERR when a name comes twice or is empty; NULL and MW_ELIMIT when the arena
 * is full.  The first form is freed with mw_free. */
mw_labels *mw_labels_new(const mw_label *pairs, size_t n, mw_err *err);
mw_labels *mw_labels_new_in(mw_arena *a, const mw_label *pairs, size_t n, mw_err *err);
mw_labels *mw_labels_copy(const mw_labels *ls); /* freed with mw_free */
size_t mw_labels_bytes(const mw_labels *ls);    /* size of the block */

mw_str mw_labels_find(const mw_labels *ls, const char *name); /* {NULL, 0} when absent */
bool mw_labels_eq(const mw_labels *a, const mw_labels *b);
int mw_labels_cmp(const mw_labels *a, const mw_labels *b); /* as Prometheus orders label sets */

/* Alertmanager's fingerprint: FNV-1a over name 0xff value 0xff in order of names. */
uint64_t mw_labels_fingerprint(const mw_labels *ls);

void mw_labels_text(const mw_labels *ls, mw_buf *out); /* metric{a="b"} */
void mw_labels_json(const mw_labels *ls, mw_buf *out); /* {"__name__":"metric","a":"b"} */

bool mw_label_name_valid(mw_str name);  /* [a-zA-Z_][a-zA-Z0-9_]* */
bool mw_metric_name_valid(mw_str name); /* the same plus ':' */

#endif
