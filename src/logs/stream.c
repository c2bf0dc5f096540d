/* stream.c - the records of one stream, in order, in blocks of at most BLOCK_RECORDS.
 *
 * Records nearly always come in order and go to the end of the last block.  A late one is put in
 * its place by moving at most one block's pointers; a full block splits in two.  So a client that
 * sends everything backwards costs a bounded move per record, not one over the whole stream.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "logs/stream.h"

stream *stream_new(const mw_labels *labels)
{
    stream *s = mw_zalloc(sizeof *s);
    s->labels = mw_labels_copy(labels);
    s->bytes = sizeof *s + mw_labels_bytes(labels) + sizeof(block);
    s->refs = 1;
    return s;
}

void stream_retain(stream *s) { __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED); }

void stream_release(stream *s)
{
    if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL)) return;
    for (size_t i = 0; i < s->n_blocks; i++) {
        for (unsigned k = 0; k < s->blocks[i]->n; k++) record_release(s->blocks[i]->rec[k]);
        mw_free(s->blocks[i]);
    }
    mw_free(s->blocks);
    mw_free(s->labels);
    mw_free(s);
}

record *stream_oldest(const stream *s) { return s->blocks[0]->rec[0]; }

record *stream_newest(const stream *s)
{
    const block *b = s->blocks[s->n_blocks - 1];
    return b->rec[b->n - 1];
}

/* -- places --------------------------------------------------------------------------------- */

/* How many blocks begin at or before KEY. */
static size_t blocks_until(const stream *s, record_key key)
{
    size_t lo = 0, hi = s->n_blocks;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (record_key_cmp(record_key_of(s->blocks[mid]->rec[0]), key) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* How many records of B are before KEY, or also at it. */
static unsigned records_until(const block *b, record_key key, bool also_at)
{
    unsigned lo = 0, hi = b->n;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (record_key_cmp(record_key_of(b->rec[mid]), key) < also_at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

record *stream_after(const stream *s, record_key key)
{
    size_t i = blocks_until(s, key);
    if (i) {
        const block *b = s->blocks[i - 1];
        unsigned k = records_until(b, key, true);
        if (k < b->n) return b->rec[k];
    }
    return i < s->n_blocks ? s->blocks[i]->rec[0] : NULL;
}

record *stream_before(const stream *s, record_key key)
{
    size_t i = blocks_until(s, key);
    if (!i) return NULL;
    unsigned k = records_until(s->blocks[i - 1], key, false);
    if (k) return s->blocks[i - 1]->rec[k - 1];
    if (i < 2) return NULL;
    const block *b = s->blocks[i - 2];
    return b->rec[b->n - 1];
}

/* -- changes -------------------------------------------------------------------------------- */

static block *add_block(stream *s, size_t at)
{
    mw_grow(&s->blocks, &s->cap_blocks, s->n_blocks + 1, sizeof *s->blocks);
    memmove(s->blocks + at + 1, s->blocks + at, (s->n_blocks - at) * sizeof *s->blocks);
    s->n_blocks++;
    s->blocks[at] = mw_alloc(sizeof(block));
    s->blocks[at]->n = 0;
    return s->blocks[at];
}

static void split(stream *s, size_t at)
{
    block *right = add_block(s, at + 1), *left = s->blocks[at];
    right->n = left->n / 2;
    left->n -= right->n;
    memcpy(right->rec, left->rec + left->n, right->n * sizeof *right->rec);
}

void stream_insert(stream *s, record *r)
{
    record_key key = record_key_of(r);
    size_t i = blocks_until(s, key);
    if (i) i--;
    if (!s->n_blocks) add_block(s, 0);
    if (s->blocks[i]->n == BLOCK_RECORDS) {
        bool at_end =
            i + 1 == s->n_blocks && record_key_cmp(record_key_of(stream_newest(s)), key) < 0;
        if (at_end) {
            add_block(s, ++i); /* the common case leaves full blocks behind */
        } else {
            split(s, i);
            if (record_key_cmp(record_key_of(s->blocks[i + 1]->rec[0]), key) < 0) i++;
        }
    }
    block *b = s->blocks[i];
    unsigned k = records_until(b, key, false);
    memmove(b->rec + k + 1, b->rec + k, (b->n - k) * sizeof *b->rec);
    b->rec[k] = r;
    b->n++;
    s->n_records++;
}

record *stream_shift(stream *s)
{
    block *b = s->blocks[0];
    record *r = b->rec[0];
    memmove(b->rec, b->rec + 1, --b->n * sizeof *b->rec);
    s->n_records--;
    if (b->n) return r;
    mw_free(b);
    memmove(s->blocks, s->blocks + 1, --s->n_blocks * sizeof *s->blocks);
    return r;
}
