/* readpb.c - answers of remote read in protobuf.
 *
 *     TimeSeries { 1: Label..., 2: Sample { 1: value, 2: time }..., 4: Histogram... }
 *     ChunkedReadResponse { 1: ChunkedSeries { 1: Label..., 2: Chunk... }, 2: number of the query }
 *     Chunk { 1: first time, 2: last time, 3: encoding, 4: bytes }
 * SPDX-License-Identifier: MIT */
#include "ingest/readpb.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/pb.h"
#include "ingest/xorchunk.h"

/* -- labels --------------------------------------------------------------------------------- */

static size_t size_of_varint(uint64_t n)
{
    size_t size = 1;
    while (n >>= 7) size++;
    return size;
}

static void put_varint(mw_buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) mw_buf_byte(out, (char)(v | 0x80));
    mw_buf_byte(out, (char)v);
}

static void put_label(const mw_label *l, mw_buf *out)
{
    size_t n = 2 + size_of_varint(l->name.n) + l->name.n + size_of_varint(l->value.n) + l->value.n;
    mw_buf_byte(out, 1 << 3 | MW_PB_BYTES);
    put_varint(out, n);
    mw_pb_put_bytes(out, 1, l->name);
    mw_pb_put_bytes(out, 2, l->value);
}

void mw_read_labels(const mw_labels *ls, const mw_labels *external, mw_buf *out)
{
    uint32_t i = 0, k = 0, n = external ? external->n : 0;
    while (i < ls->n || k < n) {
        int c = i == ls->n ? 1 : k == n ? -1 : mw_str_cmp(ls->l[i].name, external->l[k].name);
        put_label(c <= 0 ? &ls->l[i] : &external->l[k], out);
        i += c <= 0;
        k += c >= 0;
    }
}

/* -- samples -------------------------------------------------------------------------------- */

static void put_spans(uint32_t field, const mw_hside *s, mw_buf *out)
{
    for (uint32_t i = 0; i < s->n_spans; i++) {
        int64_t offset = s->spans[i].offset;
        uint64_t zigzag = (uint64_t)offset << 1 ^ (uint64_t)(offset < 0 ? -1 : 0);
        size_t n = 2 + size_of_varint(zigzag) + size_of_varint(s->spans[i].length);
        put_varint(out, field << 3 | MW_PB_BYTES);
        put_varint(out, n);
        mw_pb_put_varint(out, 1, zigzag);
        mw_pb_put_varint(out, 2, s->spans[i].length);
    }
}

/* Whole numbers as differences in field DELTAS, floats as they are in the field behind it. */
static void put_counts(uint32_t deltas, bool floats, const mw_hside *s, mw_buf *scratch,
                       mw_buf *out)
{
    int64_t last = 0;
    if (!s->n_counts) return;
    mw_buf_reset(scratch);
    for (uint32_t i = 0; i < s->n_counts; i++) {
        if (floats) {
            mw_buf_add(scratch, &s->counts[i], sizeof(double));
            continue;
        }
        int64_t now = (int64_t)s->counts[i], delta = now - last;
        put_varint(scratch, (uint64_t)delta << 1 ^ (uint64_t)(delta < 0 ? -1 : 0));
        last = now;
    }
    mw_pb_put_bytes(out, deltas + floats, (mw_str){scratch->p, scratch->n});
}

static void put_histogram(int64_t t, const mw_nhist *h, mw_buf *out)
{
    mw_buf m = {0}, scratch = {0};
    int64_t schema = (int)h->schema;
    bool floats = h->is_float;
    if (floats)
        mw_pb_put_double(&m, 2, h->count);
    else
        mw_pb_put_varint(&m, 1, (uint64_t)h->count);
    mw_pb_put_double(&m, 3, h->sum);
    mw_pb_put_varint(&m, 4, (uint64_t)schema << 1 ^ (uint64_t)(schema < 0 ? -1 : 0));
    mw_pb_put_double(&m, 5, h->zero_threshold);
    if (floats)
        mw_pb_put_double(&m, 7, h->zero_count);
    else
        mw_pb_put_varint(&m, 6, (uint64_t)h->zero_count);
    put_spans(8, &h->neg, &m);
    put_counts(9, floats, &h->neg, &scratch, &m);
    put_spans(11, &h->pos, &m);
    put_counts(12, floats, &h->pos, &scratch, &m);
    if (h->hint) mw_pb_put_varint(&m, 14, h->hint);
    mw_pb_put_varint(&m, 15, (uint64_t)t);
    if (h->n_custom)
        mw_pb_put_bytes(&m, 16, (mw_str){(const char *)h->custom, h->n_custom * sizeof(double)});
    mw_pb_put_bytes(out, 4, (mw_str){m.p, m.n});
    mw_buf_deinit(&scratch);
    mw_buf_deinit(&m);
}

/* Samples are many: each is put together here and added at once. */
static void put_sample(int64_t t, double v, mw_buf *out)
{
    unsigned char m[24] = {2 << 3 | MW_PB_BYTES, 0, 1 << 3 | MW_PB_FIXED64};
    size_t n = 3 + sizeof v;
    uint64_t rest = (uint64_t)t;
    memcpy(m + 3, &v, sizeof v);
    m[n++] = 2 << 3 | MW_PB_VARINT;
    for (; rest >= 0x80; rest >>= 7) m[n++] = (unsigned char)(rest | 0x80);
    m[n++] = (unsigned char)rest;
    m[1] = (unsigned char)(n - 2);
    mw_buf_add(out, m, n);
}

void mw_read_timeseries(mw_str labels, const mw_series_view *v, mw_buf *out)
{
    mw_buf_str(out, labels);
    for (size_t i = 0; i < v->n; i++)
        if (!v->h || !v->h[i]) put_sample(v->t[i], v->v[i], out);
    for (size_t i = 0; v->h && i < v->n; i++)
        if (v->h[i]) put_histogram(v->t[i], v->h[i], out);
}

/* -- chunks --------------------------------------------------------------------------------- */

/* From AT on as many samples of one kind as a chunk takes, into OUT; the answer is where it ends.
 */
static size_t put_chunk(const mw_series_view *v, size_t at, mw_buf *scratch, mw_buf *out)
{
    bool hist = v->h && v->h[at];
    size_t n = 1;
    while (n < MW_CHUNK_SAMPLES && at + n < v->n && hist == (v->h && v->h[at + n])) n++;
    mw_buf_reset(scratch);
    if (hist)
        n = mw_histogram_chunk(v->t + at, v->h + at, n, scratch);
    else
        mw_xor_chunk(v->t + at, v->v + at, n, scratch);
    uint64_t first = (uint64_t)v->t[at], last = (uint64_t)v->t[at + n - 1];
    size_t size = 4 + size_of_varint(first) + size_of_varint(last) + 1 +
                  size_of_varint(scratch->n) + scratch->n;
    mw_buf_byte(out, 2 << 3 | MW_PB_BYTES);
    put_varint(out, size);
    mw_pb_put_varint(out, 1, first);
    mw_pb_put_varint(out, 2, last);
    mw_pb_put_varint(out, 3, hist ? MW_CHUNK_FLOAT_HISTOGRAM : MW_CHUNK_XOR);
    mw_pb_put_bytes(out, 4, (mw_str){scratch->p, scratch->n});
    return at + n;
}

void mw_read_frame(mw_str labels, const mw_series_view *v, size_t *at, size_t frame, size_t query,
                   mw_buf *scratch, mw_buf *out)
{
    mw_buf series = {0}, message = {0};
    mw_buf_str(&series, labels);
    while (*at < v->n && series.n < frame) *at = put_chunk(v, *at, scratch, &series);
    mw_pb_put_bytes(&message, 1, (mw_str){series.p, series.n});
    if (query) mw_pb_put_varint(&message, 2, query);
    uint32_t crc = mw_crc32c(0, message.p, message.n);
    put_varint(out, message.n);
    for (int i = 3; i >= 0; i--) mw_buf_byte(out, (char)(crc >> (8 * i)));
    mw_buf_add(out, message.p, message.n);
    mw_buf_deinit(&message);
    mw_buf_deinit(&series);
}
