/* frames.h - frames that know their number, so that what a replay finds can be judged.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_STORE_FRAMES_H
#define MW_TESTS_STORE_FRAMES_H
#include "test.h"

#include "base/buf.h"
#include "store/fakeio.h"
#include "store/journal.h"

/* Frame NUMBER: the number, and then as many bytes as follow from it, which follow from it, too. */
static inline size_t frame_size(uint64_t number) { return 8 + number * 2654435761u % 150; }

static inline void frame_make(mw_buf *b, uint64_t number, size_t n)
{
    mw_buf_reset(b);
    mw_buf_add(b, &number, sizeof number);
    for (size_t i = sizeof number; i < n; i++) mw_buf_byte(b, (char)(number * 31 + i * 7));
}

static inline int frame_append(mw_journal *j, uint64_t number, size_t n, mw_err *err)
{
    mw_buf b;
    mw_buf_init(&b);
    frame_make(&b, number, n);
    int code = mw_journal_append(j, (mw_str){b.p, b.n}, err);
    mw_buf_deinit(&b);
    return code;
}

/* The numbers that a replay found, in its order. */
struct found {
    uint64_t *number;
    size_t n, cap;
    double done;
};

static inline int frame_found(void *arg, mw_str frame, double done, mw_err *err)
{
    struct found *f = arg;
    uint64_t number;
    mw_buf b;
    mw_buf_init(&b);
    assert_true(frame.n >= sizeof number);
    memcpy(&number, frame.p, sizeof number);
    frame_make(&b, number, frame.n);
    assert_memory_equal(frame.p, b.p, b.n);
    mw_buf_deinit(&b);
    assert_true(done >= f->done && done <= 1);
    f->done = done;
    if (f->n == f->cap) f->number = realloc(f->number, (f->cap = f->cap * 2 + 16) * 8);
    f->number[f->n++] = number;
    return MW_OK;
}

static inline mw_journal *frames_open(const mw_io *io, const char *dir, int sync_ms, size_t segment)
{
    mw_journal_options o = {.io = io, .dir = dir, .sync_ms = sync_ms, .segment_bytes = segment};
    return mw_journal_open(&o, NULL);
}

/* Opens, replays from FROM, closes; how many segments were damaged. */
static inline uint64_t frames_read(const char *dir, uint64_t from, struct found *f)
{
    mw_journal_stats st;
    mw_io io = fakeio_quick();
    mw_journal *j = frames_open(&io, dir, 0, 0);
    assert_non_null(j);
    f->n = 0;
    f->done = 0;
    assert_int_equal(mw_journal_replay(j, from, frame_found, f, NULL), MW_OK);
    mw_journal_stats_read(j, &st);
    mw_journal_close(j);
    return st.damaged;
}

#endif
