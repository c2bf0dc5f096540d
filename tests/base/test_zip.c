/* test_zip.c - promises of the decoders of compressed bodies.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <snappy-c.h>
#include <stdio.h>
#include <zstd.h>

#include "base/zip.h"
#include "mutate.h"

typedef int decoder(mw_str in, mw_zip_limit limit, mw_buf *out, mw_err *err);

static void zstd_encode(mw_str in, mw_buf *out)
{
    size_t room = ZSTD_compressBound(in.n);
    out->n += ZSTD_compress(mw_buf_room(out, room), room, in.p, in.n, 3);
}

static void snappy_encode(mw_str in, mw_buf *out)
{
    size_t room = snappy_max_compressed_length(in.n);
    char *to = mw_buf_room(out, room);
    snappy_compress(in.p, in.n, to, &room);
    out->n += room;
}

static void gzip_encode(mw_str in, mw_buf *out) { mw_gzip(in, 6, out); }

static const struct codec {
    decoder *decode;
    void (*encode)(mw_str in, mw_buf *out);
} codecs[] = {
    {mw_gunzip, gzip_encode},
    {mw_zstd_decode, zstd_encode},
    {mw_snappy_decode, snappy_encode},
};
enum { CODECS = sizeof codecs / sizeof *codecs };

static void fill(mw_buf *b, size_t n, bool noise)
{
    mutator m = {3};
    char *p = mw_buf_room(b, n);
    for (size_t i = 0; i < n; i++) p[i] = noise ? (char)mutator_next(&m) : 'x';
    b->n += n;
}

static void bodies_of_every_size_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 65535, 65536, 65537, 1 << 20};
    for (size_t c = 0; c < CODECS; c++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (int noise = 0; noise < 2; noise++) {
                mw_buf in, packed, out;
                mw_err err;
                mw_err_init(&err);
                mw_buf_init(&in);
                mw_buf_init(&packed);
                mw_buf_init(&out);
                fill(&in, sizes[s], noise);
                codecs[c].encode((mw_str){in.p, in.n}, &packed);
                mw_str bytes = {packed.p, packed.n};
                assert_int_equal(codecs[c].decode(bytes, (mw_zip_limit){0}, &out, &err), MW_OK);
                assert_int_equal(out.n, in.n);
                assert_memory_equal(out.p, in.p, in.n);
                mw_buf_deinit(&in);
                mw_buf_deinit(&packed);
                mw_buf_deinit(&out);
            }
}

static void a_bomb_is_refused_by_size_and_by_ratio(void **state)
{
    static const mw_zip_limit limits[] = {{.bytes = 1 << 20}, {.ratio = 10}};
    for (size_t c = 0; c < CODECS; c++)
        for (size_t l = 0; l < 2; l++) {
            mw_buf in, packed, out;
            mw_err err;
            mw_err_init(&err);
            mw_buf_init(&in);
            mw_buf_init(&packed);
            mw_buf_init(&out);
            fill(&in, 8 << 20, false);
            codecs[c].encode((mw_str){in.p, in.n}, &packed);
            mw_str bytes = {packed.p, packed.n};
            assert_int_equal(codecs[c].decode(bytes, limits[l], &out, &err), MW_ETOOBIG);
            assert_true(out.cap < 3 << 20); /* it was met early, not after all was decoded */
            mw_buf_deinit(&in);
            mw_buf_deinit(&packed);
            mw_buf_deinit(&out);
        }
}

static void a_declared_snappy_size_is_not_believed(void **state)
{
    mw_buf out;
    mw_err err;
    mw_err_init(&err);
    mw_buf_init(&out);
    /* 4 GiB - 1 declared, three bytes there */
    mw_str lie = {"\xff\xff\xff\xff\x0f\x00x", 7};
    assert_int_equal(mw_snappy_decode(lie, (mw_zip_limit){0}, &out, &err), MW_EPARSE);
    assert_int_equal(out.cap, 0);
    mw_buf_deinit(&out);
}

static void gzip_members_follow_each_other(void **state)
{
    mw_buf packed, out;
    mw_err err;
    mw_err_init(&err);
    mw_buf_init(&packed);
    mw_buf_init(&out);
    mw_gzip(MW_STR("one "), 1, &packed);
    mw_gzip(MW_STR("two"), 9, &packed);
    mw_str bytes = {packed.p, packed.n};
    assert_int_equal(mw_gunzip(bytes, (mw_zip_limit){0}, &out, &err), MW_OK);
    mw_buf_byte(&out, 0);
    assert_string_equal(out.p, "one two");
    mw_buf_deinit(&packed);
    mw_buf_deinit(&out);
}

static void a_cut_or_damaged_body_is_refused(void **state)
{
    mutator m = {11};
    for (size_t c = 0; c < CODECS; c++) {
        mw_buf in, packed;
        mw_buf_init(&in);
        mw_buf_init(&packed);
        fill(&in, 200, true);
        fill(&in, 2000, false);
        codecs[c].encode((mw_str){in.p, in.n}, &packed);
        for (size_t n = 0; n < packed.n; n++) {
            char *cut = malloc(n ? n : 1);
            memcpy(cut, packed.p, n);
            mw_buf out;
            mw_buf_init(&out);
            assert_int_equal(
                codecs[c].decode((mw_str){cut, n}, (mw_zip_limit){1 << 20, 0}, &out, NULL),
                MW_EPARSE);
            mw_buf_deinit(&out);
            free(cut);
        }
        for (int i = 0; i < 3000; i++) {
            size_t n;
            char *bad = mutate(&m, packed.p, packed.n, &n);
            mw_buf out;
            mw_buf_init(&out);
            codecs[c].decode((mw_str){bad, n}, (mw_zip_limit){1 << 20, 1000}, &out, NULL);
            assert_true(out.n <= (1 << 20) + (64 << 10));
            mw_buf_deinit(&out);
            free(bad);
        }
        mw_buf_deinit(&in);
        mw_buf_deinit(&packed);
    }
}

static void snappy_in_pieces_is_one_block(void **state)
{
    static const size_t sizes[] = {0, 1, 59, 1000, 65535, 65536, 65537, 400000};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        mw_snappy z = {0};
        mw_buf block = {0}, plain = {0}, want = {0};
        mw_buf_text(&want, "head");
        for (size_t at = 0; at < sizes[i]; at += 7) {
            char text[8];
            snprintf(text, sizeof text, "%07zu", at / 70 % 5000);
            mw_buf_add(&want, text, 7);
            mw_snappy_add(&z, text, 7);
        }
        mw_snappy_flush(&z);
        mw_snappy_length(4 + z.n, &block);
        mw_snappy_literal(MW_STR("head"), &block);
        mw_buf_add(&block, z.out.p, z.out.n);
        assert_int_equal(
            mw_snappy_decode((mw_str){block.p, block.n}, (mw_zip_limit){0}, &plain, NULL), MW_OK);
        assert_int_equal(plain.n, want.n);
        assert_memory_equal(plain.p, want.p, want.n);
        mw_snappy_deinit(&z);
        mw_buf_deinit(&block);
        mw_buf_deinit(&plain);
        mw_buf_deinit(&want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_every_size_come_back),
        cmocka_unit_test(a_bomb_is_refused_by_size_and_by_ratio),
        cmocka_unit_test(a_declared_snappy_size_is_not_believed),
        cmocka_unit_test(snappy_in_pieces_is_one_block),
        cmocka_unit_test(gzip_members_follow_each_other),
        cmocka_unit_test(a_cut_or_damaged_body_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
