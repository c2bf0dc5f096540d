/* probe_dns.c - one question to a name server: what it says, and how fast.
 *
 * Whatever code the server answers with is an answer; only silence and nonsense are failures.
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/dns.h"
#include "net/dns_answer.h"

struct answer {
    bool answered;
    int status;
    mw_buf bytes;
    int64_t at_ns;
};

static void on_answer(void *arg, int status, int timeouts, unsigned char *bytes, int n)
{
    struct answer *a = arg;
    a->answered = true;
    a->status = status;
    a->at_ns = mw_mono_ns();
    if (bytes && n > 0) mw_buf_add(&a->bytes, bytes, (size_t)n);
}

/* "[::1]:53", "127.0.0.1:5353" or a name, resolved and as c-ares wants it. */
static char *server_of(mw_str server, int family, const mw_patience *p, mw_err *err)
{
    struct sockaddr_storage to;
    socklen_t n;
    char host[256], text[INET6_ADDRSTRLEN];
    const char *colon = strrchr(server.p, ':'), *close = strrchr(server.p, ']');
    bool has_port = colon && (close ? colon > close : strchr(server.p, ':') == colon);
    int port = has_port ? atoi(colon + 1) : 53;
    size_t length = has_port ? (size_t)(colon - server.p) : server.n;
    if (length >= sizeof host || port < 1 || port > 65535) {
        mw_fail(err, MW_EARG, 0, 0, "dns: %s is no name server", server.p);
        return NULL;
    }
    memcpy(host, server.p, length);
    host[length] = 0;
    if (host[0] == '[' && host[length - 1] == ']') {
        memmove(host, host + 1, length);
        host[length - 2] = 0;
    }
    if (mw_dns_resolve(host, family, port, p, &to, &n, err) != MW_OK) return NULL;
    bool v6 = to.ss_family == AF_INET6;
    inet_ntop(to.ss_family,
              v6 ? (void *)&((struct sockaddr_in6 *)&to)->sin6_addr
                 : (void *)&((struct sockaddr_in *)&to)->sin_addr,
              text, sizeof text);
    return mw_sprintf(v6 ? "[%s]:%d" : "%s:%d", text, port);
}

static int open_channel(ares_channel *out, const mw_value *arg, const char *server,
                        const mw_patience *p, mw_err *err)
{
    struct ares_options o = {.timeout = p->timeout_ms / 2 + 1, .tries = 2};
    o.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOALIASES;
    if (mw_str_is(mw_map_text(arg, "protocol"), "tcp")) o.flags |= ARES_FLAG_USEVC;
    if (!mw_map_bool(arg, "recursion", true)) o.flags |= ARES_FLAG_NORECURSE;
    int status = ares_init_options(out, &o, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (status == ARES_SUCCESS && server &&
        (status = ares_set_servers_ports_csv(*out, server)) != ARES_SUCCESS)
        ares_destroy(*out);
    if (status == ARES_SUCCESS) return MW_OK;
    return mw_fail(err, MW_EIO, 0, 0, "name servers cannot be asked: %s", ares_strerror(status));
}

static void tell_ip(const char *server, mw_value *answer)
{
    if (server) mw_map_set_text(answer, "ip", server[0] == '[' ? "6" : "4");
}

static int ask(const mw_value *arg, int type, const char *server, const mw_patience *p,
               mw_value *answer, mw_err *err)
{
    ares_channel channel;
    struct answer a = {0};
    int code = open_channel(&channel, arg, server, p, err);
    if (code != MW_OK) return code;
    int64_t began = mw_mono_ns();
    ares_query(channel, mw_map_text(arg, "name").p, ns_c_in, type, on_answer, &a);
    code = mw_dns_wait(channel, &a.answered, p, err);
    ares_destroy(channel);
    if (code == MW_OK && !a.bytes.n)
        code = mw_fail(err, MW_EIO, 0, 0, "%s", ares_strerror(a.status));
    if (code == MW_OK) {
        mw_map_set_number(answer, "request", (double)(a.at_ns - began) / 1e9);
        code = mw_dns_answer_read((mw_str){a.bytes.p, a.bytes.n}, answer, err);
    }
    mw_buf_deinit(&a.bytes);
    return code;
}

int mw_probe_dns(const mw_value *arg, const mw_patience *p, mw_value *answer, mw_err *err)
{
    mw_str name = mw_map_text(arg, "name"), server = mw_map_text(arg, "server");
    int type = mw_dns_type(mw_map_text(arg, "type"));
    char *address = NULL;
    int64_t began = mw_mono_ns();
    if (!name.n || !type || strlen(server.p) != server.n)
        return mw_fail(err, MW_EARG, 0, 0, "dns: a name and a type of records are needed");
    if (server.n) {
        address = server_of(server, mw_dns_family(mw_map_text(arg, "ip")), p, err);
        if (!address) return err->code;
        mw_map_set_number(answer, "resolve", (double)(mw_mono_ns() - began) / 1e9);
        tell_ip(address, answer);
    }
    int code = ask(arg, type, address, p, answer, err);
    mw_free(address);
    return code;
}
