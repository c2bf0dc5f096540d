/* record.c - one log record in one block of memory.  SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "logs/stream.h"
#include "model/pack.h"

int record_key_cmp(record_key a, record_key b)
{
    if (a.t_ns != b.t_ns) return a.t_ns < b.t_ns ? -1 : 1;
    return a.seq < b.seq ? -1 : a.seq > b.seq;
}

record_key record_key_of(const record *r) { return (record_key){r->r.t_ns, r->seq}; }

/* At most MAX bytes of S, without cutting a UTF-8 sequence in two. */
static mw_str cut(mw_str s, size_t max)
{
    if (s.n <= max) return s;
    while (max && ((unsigned char)s.p[max] & 0xc0) == 0x80) max--;
    return (mw_str){s.p, max};
}

record *record_new(const mw_log_record *r, const mw_labels *labels, uint64_t seq, size_t max_line)
{
    mw_str message = cut(r->message, max_line);
    mw_pack_size size = {sizeof(record), message.n};
    mw_pack_measure_attrs(&size, r->fields, r->n_fields);
    record *to = mw_alloc(size.fixed + size.text);
    mw_pack pack = {(char *)(to + 1), (char *)to + size.fixed};
    *to = (record){.r = *r, .seq = seq, .bytes = size.fixed + size.text, .refs = 1};
    to->r.stream = labels;
    to->r.message = mw_pack_str(&pack, message);
    to->r.fields = mw_pack_attrs(&pack, r->fields, r->n_fields);
    return to;
}

void record_retain(record *r) { __atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED); }

void record_release(record *r)
{
    if (__atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) == 0) mw_free(r);
}
