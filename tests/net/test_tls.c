/* test_tls.c - what is read of the options of TLS, and whom a request goes to as whom.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/mem.h"
#include "net/tls.h"

static mw_value *value_of(const char *json)
{
    mw_err err;
    mw_err_init(&err);
    mw_value *v = mw_value_from_json(mw_str_of(json), &err);
    assert_non_null(v);
    return v;
}

static void options_are_read_and_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *refused;
    } rows[] = {
        {"{}", NULL},
        {"[]", NULL},
        {"null", NULL},
        {"{\"ca\":\"a.pem\",\"server_name\":\"a-b.c_d\",\"insecure\":true}", NULL},
        {"{\"cert\":\"a.pem\",\"key\":\"b.pem\"}", NULL},
        {"{\"cert\":\"a.pem\"}", "tls: cert and key go together"},
        {"{\"key\":\"a.pem\"}", "tls: cert and key go together"},
        {"{\"ca\":\"a\\u0000b\"}", "tls: ca is no name of a file"},
        {"{\"server_name\":\"a b\"}", "tls: server_name is no name of a host"},
        {"{\"server_name\":\"a:1:b\"}", "tls: server_name is no name of a host"},
        {"{\"server_name\":\"a\\r\\nX: y\"}", "tls: server_name is no name of a host"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_value *v = value_of(rows[i].json);
        mw_net_tls tls, copy;
        mw_err err;
        mw_err_init(&err);
        int code = mw_tls_read(v, &tls, &err);
        assert_int_equal(code, rows[i].refused ? MW_EARG : MW_OK);
        if (rows[i].refused) assert_string_equal(err.msg, rows[i].refused);
        if (!rows[i].refused) {
            mw_tls_copy(&copy, &tls);
            mw_tls_deinit(&copy);
        }
        mw_value_free(v);
    }
}

static void a_name_leads_to_the_peer_that_the_url_names(void **state)
{
    (void)state;
    static const struct {
        const char *url, *header, *asked, *to, *host; /* asked NULL: the url stays as it is */
    } rows[] = {
        {"https://10.0.0.1:9100/metrics?a=b", NULL, "https://n.x:9100/metrics?a=b",
         "n.x:9100:10.0.0.1:9100", "Host: 10.0.0.1:9100"},
        {"https://h/", NULL, "https://n.x/", "n.x:443:h:443", "Host: h"},
        {"https://[::1]:9/m", NULL, "https://n.x:9/m", "n.x:9:[::1]:9", "Host: [::1]:9"},
        {"https://h:1/", "host: own", "https://n.x:1/", "n.x:1:h:1", "host: own"},
        {"http://h:1/", NULL, NULL, NULL, NULL},
        {"https://", NULL, NULL, NULL, NULL},
        {"no url", NULL, NULL, NULL, NULL},
    };
    const mw_net_tls tls = {.server_name = "n.x"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct curl_slist *to = NULL, *headers = NULL;
        if (rows[i].header) headers = curl_slist_append(headers, rows[i].header);
        char *asked = mw_tls_rename(rows[i].url, &tls, &to, &headers);
        if (rows[i].asked) {
            assert_string_equal(asked, rows[i].asked);
            assert_string_equal(to->data, rows[i].to);
            assert_string_equal(headers->data, rows[i].host);
            assert_null(headers->next);
        } else {
            assert_null(asked);
            assert_null(to);
        }
        curl_free(asked);
        curl_slist_free_all(to);
        curl_slist_free_all(headers);
    }
    struct curl_slist *none = NULL;
    assert_null(mw_tls_rename("https://h/", &(mw_net_tls){0}, &none, &none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read_and_refused),
        cmocka_unit_test(a_name_leads_to_the_peer_that_the_url_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
