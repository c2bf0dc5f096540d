/* test_pb.c - promises of the protobuf wire reader.  SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/pb.h"
#include "mutate.h"

static void what_is_written_reads_back(void **state)
{
    mw_buf b;
    mw_pb r;
    mw_pb_field f;
    mw_err err;
    mw_err_init(&err);
    mw_buf_init(&b);
    mw_pb_put_varint(&b, 1, UINT64_MAX);
    mw_pb_put_double(&b, 2, -0.1);
    mw_pb_put_bytes(&b, 3, MW_STR("text"));
    mw_pb_put_varint(&b, 100000, 300);
    mw_pb_init(&r, (mw_str){b.p, b.n});
    assert_int_equal(mw_pb_next(&r, &f, &err), 1);
    assert_true(f.number == 1 && f.wire == MW_PB_VARINT && f.u == UINT64_MAX);
    assert_int_equal(mw_pb_next(&r, &f, &err), 1);
    assert_true(f.number == 2 && f.wire == MW_PB_FIXED64 && mw_pb_double(f.u) == -0.1);
    assert_int_equal(mw_pb_next(&r, &f, &err), 1);
    assert_true(f.number == 3 && f.wire == MW_PB_BYTES && mw_str_is(f.bytes, "text"));
    assert_int_equal(mw_pb_next(&r, &f, &err), 1);
    assert_true(f.number == 100000 && f.u == 300);
    assert_int_equal(mw_pb_next(&r, &f, &err), 0);
    mw_buf_deinit(&b);
}

static void groups_are_skipped_whole(void **state)
{
    /* 1: group { 2: varint 5, 3: group {} }, then 4: varint 7 */
    static const char bytes[] = "\x0b\x10\x05\x1b\x1c\x0c\x20\x07";
    mw_pb r;
    mw_pb_field f;
    mw_err err;
    mw_err_init(&err);
    mw_pb_init(&r, (mw_str){bytes, sizeof bytes - 1});
    assert_int_equal(mw_pb_next(&r, &f, &err), 1);
    assert_true(f.number == 4 && f.u == 7);
}

static void damage_is_refused_with_the_byte(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
    } rows[] = {
        {"\x08", 1},                                              /* no value */
        {"\x0a\x05xx", 4},                                        /* cut bytes */
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},     /* huge length */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11},     /* varint over 64 bits */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* varint too long */
        {"\x00\x01", 2},                                          /* field 0 */
        {"\x0e", 1},                                              /* wire type 6 */
        {"\x0c", 1},                                              /* end of no group */
        {"\x0b\x14", 2},                                          /* other group's end */
        {"\x0d\x01\x02\x03", 4},                                  /* cut fixed32 */
        {"\x09\x01\x02\x03\x04\x05\x06\x07", 8},                  /* cut fixed64 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *bytes = malloc(rows[i].n);
        memcpy(bytes, rows[i].bytes, rows[i].n);
        mw_pb r;
        mw_pb_field f;
        mw_err err;
        mw_err_init(&err);
        mw_pb_init(&r, (mw_str){bytes, rows[i].n});
        assert_int_equal(mw_pb_next(&r, &f, &err), MW_EPARSE);
        assert_non_null(strstr(err.msg, "at byte 0"));
        free(bytes);
    }
}

static void deep_groups_are_refused(void **state)
{
    char bytes[400];
    memset(bytes, 0x0b, 200);
    memset(bytes + 200, 0x0c, 200);
    mw_pb r;
    mw_pb_field f;
    mw_err err;
    mw_err_init(&err);
    mw_pb_init(&r, (mw_str){bytes, sizeof bytes});
    assert_int_equal(mw_pb_next(&r, &f, &err), MW_EPARSE);
}

static void an_offset_counts_from_the_start_of_the_whole_body(void **state)
{
    mw_buf b;
    mw_pb outer, inner;
    mw_pb_field f;
    mw_err err;
    mw_err_init(&err);
    mw_buf_init(&b);
    mw_pb_put_bytes(&b, 1, MW_STR("\x08\x01\x0a\x7f"));
    mw_pb_init(&outer, (mw_str){b.p, b.n});
    assert_int_equal(mw_pb_next(&outer, &f, &err), 1);
    mw_pb_enter(&inner, &outer, f.bytes);
    assert_int_equal(mw_pb_next(&inner, &f, &err), 1);
    assert_int_equal(mw_pb_next(&inner, &f, &err), MW_EPARSE);
    assert_non_null(strstr(err.msg, "at byte 4"));
    mw_buf_deinit(&b);
}

static void random_bytes_never_read_past_the_end(void **state)
{
    mutator m = {7};
    for (int i = 0; i < 50000; i++) {
        size_t n = mutator_below(&m, 40);
        char *bytes = malloc(n ? n : 1);
        for (size_t k = 0; k < n; k++) bytes[k] = (char)mutator_next(&m);
        mw_pb r;
        mw_pb_field f;
        mw_pb_init(&r, (mw_str){bytes, n});
        while (mw_pb_next(&r, &f, NULL) == 1) {
            if (f.wire != MW_PB_BYTES) continue;
            assert_true(f.bytes.p >= bytes && f.bytes.p + f.bytes.n <= bytes + n);
        }
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(groups_are_skipped_whole),
        cmocka_unit_test(damage_is_refused_with_the_byte),
        cmocka_unit_test(deep_groups_are_refused),
        cmocka_unit_test(an_offset_counts_from_the_start_of_the_whole_body),
        cmocka_unit_test(random_bytes_never_read_past_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
