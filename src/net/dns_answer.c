/* dns_answer.c - a message of RFC 1035, bytes to texts.
 *
 *   id 2 | flags 2 | questions 2 | answers 2 | authority 2 | additional 2 | ...
 *   a record: name | type 2 | class 2 | ttl 4 | length 2 | data
 *
 * A compressed name points to bytes before itself, and each further pointer to bytes before that,
 * so no name goes round in circles.  SPDX-License-Identifier: MIT */
#include "net/dns_answer.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { HEADER = 12, MAX_NAME = 255, MAX_DATA_TEXT = 4096 };

struct reader {
    const unsigned char *p;
    size_t n, at;
    bool bad;
};

static unsigned number(struct reader *r, size_t bytes)
{
    unsigned v = 0;
    if (r->n - r->at < bytes) {
        r->bad = true;
        r->at = r->n;
        return 0;
    }
    while (bytes--) v = v << 8 | r->p[r->at++];
    return v;
}

static void put_char(mw_buf *out, unsigned char c, bool in_name)
{
    if (c < 0x20 || c > 0x7e)
        mw_buf_printf(out, "\\%03u", c);
    else if (c == '\\' || (in_name && c == '.'))
        mw_buf_printf(out, "\\%c", c);
    else
        mw_buf_byte(out, (char)c);
}

/* The name at R, which moves behind it. */
static void read_name(struct reader *r, mw_buf *out)
{
    size_t at = r->at, bound = r->at, length = 0;
    bool jumped = false;
    for (;;) {
        if (at >= r->n) break;
        unsigned n = r->p[at++];
        if (n >= 0xc0) { /* a pointer, backwards */
            if (at >= r->n) break;
            size_t to = (n & 0x3f) << 8 | r->p[at++];
            if (!jumped) r->at = at;
            jumped = true;
            if (to >= bound) break;
            at = bound = to;
        } else if (!n) {
            if (!length) mw_buf_byte(out, '.');
            if (!jumped) r->at = at;
            return;
        } else {
            if (n > 63 || n > r->n - at || (length += n + 1) > MAX_NAME) break;
            if (length > n + 1) mw_buf_byte(out, '.');
            for (unsigned i = 0; i < n; i++) put_char(out, r->p[at++], true);
        }
    }
    r->bad = true;
    r->at = r->n;
}

/* -- what records hold ------------------------------------------------------------------------ */

static void data_a(struct reader *r, size_t end, mw_buf *out)
{
    char text[INET6_ADDRSTRLEN];
    if (end - r->at == 4)
        mw_buf_text(out, inet_ntop(AF_INET, r->p + r->at, text, sizeof text));
    else
        r->bad = true;
}

static void data_aaaa(struct reader *r, size_t end, mw_buf *out)
{
    char text[INET6_ADDRSTRLEN];
    if (end - r->at == 16)
        mw_buf_text(out, inet_ntop(AF_INET6, r->p + r->at, text, sizeof text));
    else
        r->bad = true;
}

static void data_name(struct reader *r, size_t end, mw_buf *out) { read_name(r, out); }

static void numbers(struct reader *r, int count, mw_buf *out)
{
    while (count--) mw_buf_printf(out, "%u ", number(r, 2));
}

static void data_mx(struct reader *r, size_t end, mw_buf *out)
{
    numbers(r, 1, out);
    read_name(r, out);
}

static void data_srv(struct reader *r, size_t end, mw_buf *out)
{
    numbers(r, 3, out);
    read_name(r, out);
}

static void data_txt(struct reader *r, size_t end, mw_buf *out)
{
    while (r->at < end && !r->bad) {
        unsigned n = number(r, 1);
        if (n > end - r->at) r->bad = true;
        while (n-- && !r->bad) put_char(out, r->p[r->at++], false);
    }
}

static void data_soa(struct reader *r, size_t end, mw_buf *out)
{
    read_name(r, out);
    mw_buf_byte(out, ' ');
    read_name(r, out);
    for (int i = 0; i < 5; i++) mw_buf_printf(out, " %u", number(r, 4));
}

static void data_caa(struct reader *r, size_t end, mw_buf *out)
{
    mw_buf_printf(out, "%u ", number(r, 1));
    unsigned n = number(r, 1);
    if (n > end - r->at) r->bad = true;
    while (n-- && !r->bad) put_char(out, r->p[r->at++], false);
    mw_buf_text(out, " \"");
    while (r->at < end && !r->bad) put_char(out, r->p[r->at++], false);
    mw_buf_byte(out, '"');
}

static void data_hex(struct reader *r, size_t end, mw_buf *out)
{
    while (r->at < end && out->n < MAX_DATA_TEXT) mw_buf_printf(out, "%02x", r->p[r->at++]);
}

static const struct type {
    unsigned number;
    const char *name;
    void (*data)(struct reader *r, size_t end, mw_buf *out);
} types[] = {
    {1, "A", data_a},        {2, "NS", data_name},     {5, "CNAME", data_name},
    {6, "SOA", data_soa},    {12, "PTR", data_name},   {15, "MX", data_mx},
    {16, "TXT", data_txt},   {28, "AAAA", data_aaaa},  {33, "SRV", data_srv},
    {43, "DS", data_hex},    {48, "DNSKEY", data_hex}, {52, "TLSA", data_hex},
    {65, "HTTPS", data_hex}, {257, "CAA", data_caa},
};

static const char *const rcodes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                     "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                     "NXRRSET", "NOTAUTH", "NOTZONE"};

int mw_dns_type(mw_str name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (mw_str_is(name, types[i].name)) return (int)types[i].number;
    return 0;
}

static const struct type *type_of(unsigned n)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].number == n) return &types[i];
    return NULL;
}

/* -- a message -------------------------------------------------------------------------------- */

static void set_type(mw_value *record, unsigned n, const struct type *type)
{
    char text[16];
    snprintf(text, sizeof text, "TYPE%u", n);
    mw_map_set_text(record, "type", type ? type->name : text);
}

/* The last but four numbers of an SOA record begin with its serial. */
static void note_serial(mw_value *out, const struct reader *r, size_t end)
{
    struct reader tail = {r->p, end, end - 20, false};
    mw_map_set_number(out, "serial", number(&tail, 4));
}

static mw_value *read_record(struct reader *r, mw_value *out)
{
    mw_buf name = {0}, data = {0};
    read_name(r, &name);
    unsigned kind = number(r, 2);
    number(r, 2); /* its class: that of the question */
    unsigned ttl = number(r, 4), length = number(r, 2);
    const struct type *type = type_of(kind);
    size_t end = r->at + length;
    size_t whole = r->n;
    if (length > whole - r->at) r->bad = true;
    if (!r->bad) {
        r->n = end; /* what is inside ends with it */
        (type ? type->data : data_hex)(r, end, &data);
        r->n = whole;
    }
    if (!r->bad && kind == 6 && length >= 20) note_serial(out, r, end);
    mw_value *record = r->bad ? NULL : mw_map_new();
    if (record) {
        mw_map_set_text(record, "name", name.p);
        set_type(record, kind, type);
        mw_map_set_number(record, "ttl", ttl);
        mw_map_set(record, "data", mw_text_new((mw_str){data.p ? data.p : "", data.n}));
        r->at = end;
    }
    mw_buf_deinit(&name);
    mw_buf_deinit(&data);
    return record;
}

static void set_rcode(mw_value *out, unsigned code)
{
    char text[16];
    snprintf(text, sizeof text, "RCODE%u", code);
    mw_map_set_text(out, "rcode", code < sizeof rcodes / sizeof *rcodes ? rcodes[code] : text);
}

int mw_dns_answer_read(mw_str bytes, mw_value *out, mw_err *err)
{
    struct reader r = {(const unsigned char *)bytes.p, bytes.n, 0, bytes.n < HEADER};
    mw_value *answers = mw_list_new();
    mw_buf question = {0};
    number(&r, 2);
    unsigned flags = number(&r, 2), questions = number(&r, 2), count = number(&r, 2);
    set_rcode(out, flags & 15);
    mw_map_set_bool(out, "authoritative", flags >> 10 & 1);
    mw_map_set_bool(out, "truncated", flags >> 9 & 1);
    mw_map_set_number(out, "answer_rrs", count);
    mw_map_set_number(out, "authority_rrs", number(&r, 2));
    mw_map_set_number(out, "additional_rrs", number(&r, 2));
    while (questions-- && !r.bad) {
        mw_buf_reset(&question);
        read_name(&r, &question);
        number(&r, 4);
    }
    for (unsigned i = 0; i < count && i < MW_DNS_RECORDS && !r.bad; i++) {
        mw_value *record = read_record(&r, out);
        if (record) mw_list_add(answers, record);
    }
    mw_buf_deinit(&question);
    mw_map_set(out, "answers", answers);
    if (r.bad) return mw_fail(err, MW_EPARSE, 0, 0, "the answer is not DNS");
    return MW_OK;
}
