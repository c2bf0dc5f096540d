/* test_probe_texts.c - what Redis and gRPC say, whole and damaged.  SPDX-License-Identifier: MIT */
#include "test.h"

#include "net/grpc_health.h"
#include "net/redis_info.h"

static void a_master_counts_its_replicas(void **state)
{
    (void)state;
    mw_value *out = mw_map_new();
    mw_redis_info_read(MW_STR("# Server\r\nredis_version:7.0.15\r\nmaxclients:100\r\n"
                              "role:master\r\nconnected_slaves:3\r\n"
                              "slave0:ip=10.0.0.1,port=1,state=online,offset=14,lag=2\r\n"
                              "slave1:ip=10.0.0.2,port=1,state=wait_bgsave,offset=0,lag=0\r\n"
                              "slave12:ip=10.0.0.3,port=1,state=online,offset=14,lag=1\r\n"
                              "used_memory:1000\r\nmaxmemory:0\r\nloading:0"),
                       out);
    assert_string_equal(mw_map_text(out, "server").p, "7.0.15");
    assert_string_equal(mw_map_text(out, "role").p, "master");
    assert_true(mw_map_number(out, "replicas", -1) == 2);
    assert_true(mw_map_number(out, "replicas_lag", -1) == 2);
    assert_true(mw_map_number(out, "memory", -1) == 1000);
    assert_true(mw_map_number(out, "memory_max", -1) == 0);
    assert_true(mw_map_number(out, "clients_max", -1) == 100);
    assert_true(mw_map_number(out, "loading", -1) == 0);
    assert_null(mw_map_find(out, "heard"));
    mw_value_free(out);
}

static void what_is_no_figure_is_left_out(void **state)
{
    (void)state;
    mw_value *out = mw_map_new();
    mw_redis_info_read(
        MW_STR("used_memory:1e999\nmaxmemory:\nconnected_clients:x1\nrole:\xff\n"
               "slave:state=online\nslave0state:state=online\nslave1:state\n"
               ":\n::\nconnected_slaves:0\nmaster_repl_offset:12345678901234567890123"
               "45678901234567890"),
        out);
    assert_int_equal(out->map.n, 1);
    assert_true(mw_map_number(out, "replicas", -1) == 0);
    mw_value_free(out);
}

static void a_question_about_health_is_a_frame(void **state)
{
    (void)state;
    mw_buf b = {0};
    mw_grpc_health_write(MW_STR(""), &b);
    assert_int_equal(b.n, 5);
    mw_buf_reset(&b);
    mw_grpc_health_write(MW_STR("shop"), &b);
    assert_int_equal(b.n, 11);
    assert_memory_equal(b.p, "\0\0\0\0\6\x0a\4shop", 11);
    mw_buf_deinit(&b);
}

static void an_answer_about_health_is_read_or_refused(void **state)
{
    (void)state;
    static const struct {
        mw_str body;
        const char *says;
    } rows[] = {
        {MW_STR("\0\0\0\0\0"), "UNKNOWN"},
        {MW_STR("\0\0\0\0\2\x08\1"), "SERVING"},
        {MW_STR("\0\0\0\0\2\x08\2"), "NOT_SERVING"},
        {MW_STR("\0\0\0\0\2\x08\3"), "SERVICE_UNKNOWN"},
        {MW_STR("\0\0\0\0\2\x08\x63"), "UNKNOWN"},
        {MW_STR("\0\0\0\0\5\x12\1x\x08\1"), "SERVING"}, /* a field that came later */
        {MW_STR(""), NULL},
        {MW_STR("\0\0\0\0"), NULL},
        {MW_STR("\1\0\0\0\2\x08\1"), NULL},
        {MW_STR("\0\0\0\0\3\x08\1"), NULL},
        {MW_STR("\0\xff\xff\xff\xff\x08\1"), NULL},
        {MW_STR("\0\0\0\0\1\x08"), NULL},
        {MW_STR("\0\0\0\0\2\x12\x7f"), NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_err err;
        mw_err_init(&err);
        const char *says = mw_grpc_health_read(rows[i].body, &err);
        if (!says != !rows[i].says || !says != (err.code != MW_OK)) fail_msg("row %zu", i);
        if (says) assert_string_equal(says, rows[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_master_counts_its_replicas),
        cmocka_unit_test(what_is_no_figure_is_left_out),
        cmocka_unit_test(a_question_about_health_is_a_frame),
        cmocka_unit_test(an_answer_about_health_is_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
