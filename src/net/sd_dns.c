/* sd_dns.c - asking name servers, by c-ares.
 *
 * Every refresh has a channel of its own, so that a changed /etc/resolv.conf counts at once.  A
 * name that does not exist, or has no such records, has no targets; only servers that fail or do
 * not answer leave a name as it was.  SPDX-License-Identifier: MIT */
#include "net/sd_dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/dns.h"
#include "net/groups.h"

enum { TRY_MS = 2000, TRIES = 2, POLL_MS = 100, MAX_RECORDS = 4096, MAX_NAMES = 256 };

struct query {
    const struct kind *kind;
    const char *name;
    int port;
    mw_value *groups; /* of all queries */
    bool answered;
    int status; /* ARES_SUCCESS: the groups hold its records */
};

/* -- records ---------------------------------------------------------------------------------- */

static mw_value *add_group(struct query *q, const char *host, int port)
{
    mw_value *group = mw_map_new(), *targets = mw_list_new(), *labels = mw_map_new();
    char *address = mw_sprintf(strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
    mw_list_add(targets, mw_text_new(mw_str_of(address)));
    mw_free(address);
    mw_map_set_text(labels, "__meta_dns_name", q->name);
    mw_map_set(group, "targets", targets);
    mw_map_set(group, "labels", labels);
    mw_list_add(q->groups, group);
    return labels;
}

/* Prometheus shows hosts of records with the dot at their end, addresses without it.  NULL: HOST is
 * none. */
static mw_value *add_host(struct query *q, const char *host, int port, const char *label)
{
    size_t n = strlen(host);
    mw_value *labels = NULL;
    while (n && host[n - 1] == '.') n--;
    if (!n || !mw_utf8_valid((mw_str){host, n})) return NULL;
    char *rooted = mw_sprintf("%.*s.", (int)n, host), *plain = mw_sprintf("%.*s", (int)n, host);
    labels = add_group(q, plain, port);
    mw_map_set_text(labels, label, rooted);
    mw_free(plain);
    mw_free(rooted);
    return labels;
}

static int read_srv(struct query *q, const unsigned char *p, int n)
{
    struct ares_srv_reply *first = NULL;
    int status = ares_parse_srv_reply(p, n, &first);
    for (const struct ares_srv_reply *r = first; r; r = r->next) {
        char port[8];
        mw_value *labels = add_host(q, r->host, r->port, "__meta_dns_srv_record_target");
        snprintf(port, sizeof port, "%u", (unsigned)r->port);
        if (labels) mw_map_set_text(labels, "__meta_dns_srv_record_port", port);
    }
    ares_free_data(first);
    return status;
}

static int read_mx(struct query *q, const unsigned char *p, int n)
{
    struct ares_mx_reply *first = NULL;
    int status = ares_parse_mx_reply(p, n, &first);
    for (const struct ares_mx_reply *r = first; r; r = r->next)
        add_host(q, r->host, q->port, "__meta_dns_mx_record_target");
    ares_free_data(first);
    return status;
}

static int read_ns(struct query *q, const unsigned char *p, int n)
{
    struct hostent *h = NULL;
    int status = ares_parse_ns_reply(p, n, &h);
    for (char **host = h ? h->h_aliases : NULL; host && *host; host++)
        add_host(q, *host, q->port, "__meta_dns_ns_record_target");
    if (h) ares_free_hostent(h);
    return status;
}

static int read_a(struct query *q, const unsigned char *p, int n)
{
    int found = MAX_RECORDS;
    char text[INET6_ADDRSTRLEN];
    struct ares_addrttl *a = mw_array(MAX_RECORDS, sizeof *a);
    int status = ares_parse_a_reply(p, n, NULL, a, &found);
    for (int i = 0; status == ARES_SUCCESS && i < found; i++)
        add_group(q, inet_ntop(AF_INET, &a[i].ipaddr, text, sizeof text), q->port);
    mw_free(a);
    return status;
}

static int read_aaaa(struct query *q, const unsigned char *p, int n)
{
    int found = MAX_RECORDS;
    char text[INET6_ADDRSTRLEN];
    struct ares_addr6ttl *a = mw_array(MAX_RECORDS, sizeof *a);
    int status = ares_parse_aaaa_reply(p, n, NULL, a, &found);
    for (int i = 0; status == ARES_SUCCESS && i < found; i++)
        add_group(q, inet_ntop(AF_INET6, &a[i].ip6addr, text, sizeof text), q->port);
    mw_free(a);
    return status;
}

static const struct kind {
    const char *name;
    int type;
    bool has_port; /* the record says the port */
    int (*read)(struct query *q, const unsigned char *p, int n);
} kinds[] = {
    {"SRV", ns_t_srv, true, read_srv},     {"A", ns_t_a, false, read_a},
    {"AAAA", ns_t_aaaa, false, read_aaaa}, {"MX", ns_t_mx, false, read_mx},
    {"NS", ns_t_ns, false, read_ns},
};

static const struct kind *kind_of(const mw_value *spec)
{
    mw_str type = mw_map_text(spec, "type");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (mw_str_is(type, kinds[i].name)) return &kinds[i];
    return NULL;
}

/* -- asking ----------------------------------------------------------------------------------- */

static void on_answer(void *arg, int status, int timeouts, unsigned char *p, int n)
{
    struct query *q = arg;
    if (status == ARES_SUCCESS) status = q->kind->read(q, p, n);
    if (status == ARES_ENODATA || status == ARES_ENOTFOUND) status = ARES_SUCCESS;
    q->status = status;
    q->answered = true;
}

static bool all_answered(const struct query *q, size_t n)
{
    while (n && q[n - 1].answered) n--;
    return !n;
}

static void run(ares_channel channel, const struct query *q, size_t n, int timeout_ms,
                const bool *stop)
{
    int64_t until = mw_mono_ns() + (int64_t)timeout_ms * 1000000;
    while (!all_answered(q, n) && mw_mono_ns() < until && !__atomic_load_n(stop, __ATOMIC_RELAXED))
        mw_dns_turn(channel, POLL_MS);
    if (!all_answered(q, n)) ares_cancel(channel); /* answers the rest with an error */
}

static int set_servers(ares_channel channel, const mw_value *spec)
{
    const mw_value *list = mw_map_find(spec, "servers");
    mw_buf csv = {0};
    int status = ARES_SUCCESS;
    for (size_t i = 0; list && list->type == MW_LIST && i < list->list.n; i++) {
        if (i) mw_buf_byte(&csv, ',');
        mw_buf_str(&csv, list->list.item[i]->text);
    }
    if (csv.n) {
        mw_buf_byte(&csv, 0);
        status = ares_set_servers_ports_csv(channel, csv.p);
    }
    mw_buf_deinit(&csv);
    return status;
}

static ares_channel open_channel(const mw_value *spec, mw_err *err)
{
    ares_channel channel = NULL;
    struct ares_options o = {.timeout = TRY_MS, .tries = TRIES};
    int status = ares_init_options(&channel, &o, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (status == ARES_SUCCESS && (status = set_servers(channel, spec)) != ARES_SUCCESS)
        ares_destroy(channel);
    if (status == ARES_SUCCESS) return channel;
    mw_fail(err, MW_EARG, 0, 0, "name servers cannot be asked: %s", ares_strerror(status));
    return NULL;
}

/* -- a refresh -------------------------------------------------------------------------------- */

static void keep_old(mw_value *groups, const mw_value *before, const char *name)
{
    for (size_t i = 0; before && i < before->list.n; i++) {
        const mw_value *group = before->list.item[i];
        mw_str of = mw_map_text(mw_map_find(group, "labels"), "__meta_dns_name");
        if (mw_str_is(of, name)) mw_list_add(groups, mw_value_copy(group));
    }
}

static size_t settle(const struct query *q, size_t n, const mw_value *before, mw_err *err)
{
    size_t failed = 0;
    for (size_t i = 0; i < n; i++) {
        if (q[i].status == ARES_SUCCESS) continue;
        failed++;
        mw_fail(err, MW_EIO, 0, 0, "%s: %s", q[i].name, ares_strerror(q[i].status));
        keep_old(q[i].groups, before, q[i].name);
    }
    return failed;
}

mw_value *mw_sd_dns_ask(const mw_value *spec, const mw_value *before, int timeout_ms,
                        const bool *stop, size_t *failed, mw_err *err)
{
    const mw_value *names = mw_map_find(spec, "name");
    size_t n = names->list.n;
    struct query *q = mw_array(n, sizeof *q);
    mw_value *groups = mw_list_new();
    ares_channel channel = open_channel(spec, err);
    for (size_t i = 0; i < n; i++) {
        q[i] = (struct query){.kind = kind_of(spec),
                              .name = names->list.item[i]->text.p,
                              .port = (int)mw_map_number(spec, "port", 0),
                              .groups = groups,
                              .status = ARES_ECANCELLED};
        if (channel) ares_search(channel, q[i].name, ns_c_in, q[i].kind->type, on_answer, &q[i]);
    }
    if (channel) {
        run(channel, q, n, timeout_ms, stop);
        ares_destroy(channel);
    }
    *failed = settle(q, n, before, err);
    mw_free(q);
    return groups;
}

/* -- what may be asked ------------------------------------------------------------------------ */

static bool all_texts(const mw_value *list, size_t least)
{
    bool nothing = !list || (list->type == MW_MAP && !list->map.n); /* an empty table of Lua */
    if (nothing || list->type != MW_LIST) return nothing && !least;
    for (size_t i = 0; i < list->list.n; i++)
        if (list->list.item[i]->type != MW_TEXT || !list->list.item[i]->text.n ||
            strchr(list->list.item[i]->text.p, ','))
            return false;
    return list->list.n >= least && list->list.n <= MAX_NAMES;
}

int mw_sd_dns_check(const mw_value *spec, mw_err *err)
{
    const struct kind *kind = kind_of(spec);
    double port = mw_map_number(spec, "port", 0);
    if (!all_texts(mw_map_find(spec, "name"), 1))
        return mw_fail(err, MW_EARG, 0, 0, "dns: name must be 1 to %d names", (int)MAX_NAMES);
    if (!all_texts(mw_map_find(spec, "servers"), 0))
        return mw_fail(err, MW_EARG, 0, 0, "dns: servers must be a list of addresses");
    if (!kind) return mw_fail(err, MW_EARG, 0, 0, "dns: type must be SRV, A, AAAA, MX or NS");
    if (!(port >= 0 && port <= 65535) || (port < 1 && !kind->has_port))
        return mw_fail(err, MW_EARG, 0, 0, "dns: %s records need a port", kind->name);
    return MW_OK;
}
