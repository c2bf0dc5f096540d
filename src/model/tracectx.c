/* tracectx.c - reading and writing W3C trace context.
 *
 * A state is kept as it will be passed on: members joined by ",", without the spaces around them
 * and without empty ones.  Once a member was wrong the state stays empty, also when further headers
 * follow: the byte behind its end is then DROPPED until the context is parsed anew.
 * Source: https://www.w3.org/TR/trace-context/ (level 2).  SPDX-License-Identifier: MIT */
#include "model/tracectx.h"

#include <string.h>
#include <sys/random.h>

#include "base/err.h"

enum { VERSION_00 = 55, MAX_MEMBERS = 32, MAX_KEY = 256, MAX_VALUE = 256 };

/* -- traceparent ------------------------------------------------------------------------------ */

static bool all_zero(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i]) return false;
    return true;
}

/* Lower case only, which mw_unhex does not insist on. */
static bool hex_field(mw_str header, size_t at, void *out, size_t bytes)
{
    mw_str field = {header.p + at, 2 * bytes};
    for (size_t i = 0; i < field.n; i++)
        if (field.p[i] >= 'A' && field.p[i] <= 'F') return false;
    return mw_unhex(field, out, bytes);
}

bool mw_traceparent_parse(mw_str header, mw_tracectx *out)
{
    uint8_t version;
    *out = (mw_tracectx){.flags = 0};
    header = mw_str_trim(header);
    if (header.n < VERSION_00) return false;
    if (header.p[2] != '-' || header.p[35] != '-' || header.p[52] != '-') return false;
    if (!hex_field(header, 0, &version, 1) || version == 0xff) return false;
    if (!hex_field(header, 3, out->trace_id, 16) || !hex_field(header, 36, out->span_id, 8))
        return false;
    if (!hex_field(header, 53, &out->flags, 1)) return false;
    if (header.n > VERSION_00 && (version == 0 || header.p[VERSION_00] != '-')) return false;
    out->flags &= MW_TRACE_SAMPLED | MW_TRACE_RANDOM;
    return !all_zero(out->trace_id, 16) && !all_zero(out->span_id, 8);
}

void mw_traceparent_format(const mw_tracectx *ctx, char out[MW_TRACEPARENT_BYTES])
{
    memcpy(out, "00-", 3);
    mw_hex(ctx->trace_id, 16, out + 3);
    out[35] = '-';
    mw_hex(ctx->span_id, 8, out + 36);
    out[52] = '-';
    mw_hex(&ctx->flags, 1, out + 53);
}

/* -- tracestate ------------------------------------------------------------------------------- */

#define DROPPED '\1'

static bool key_char(char c, bool first)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return true;
    return !first && (c == '_' || c == '-' || c == '*' || c == '/' || c == '@');
}

static bool key_valid(mw_str key)
{
    if (key.n < 1 || key.n > MAX_KEY) return false;
    for (size_t i = 0; i < key.n; i++)
        if (!key_char(key.p[i], i == 0)) return false;
    return true;
}

static bool value_valid(mw_str value)
{
    if (value.n < 1 || value.n > MAX_VALUE || value.p[value.n - 1] == ' ') return false;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < 0x20 || value.p[i] > 0x7e || value.p[i] == ',' || value.p[i] == '=')
            return false;
    return true;
}

static bool member_valid(mw_str member)
{
    const char *eq = memchr(member.p, '=', member.n);
    if (!eq) return false;
    size_t n = (size_t)(eq - member.p);
    return key_valid((mw_str){member.p, n}) && value_valid((mw_str){eq + 1, member.n - n - 1});
}

static size_t members(const char *state)
{
    size_t n = *state != 0;
    for (; *state; state++) n += *state == ',';
    return n;
}

/* False drops the whole state. */
static bool add_member(mw_tracectx *ctx, mw_str member)
{
    size_t used = strlen(ctx->state);
    if (!member_valid(member) || members(ctx->state) == MAX_MEMBERS) return false;
    MW_ASSERT(used + member.n + 2 <= sizeof ctx->state);
    if (used) ctx->state[used++] = ',';
    memcpy(ctx->state + used, member.p, member.n);
    ctx->state[used + member.n] = 0;
    return true;
}

/* Without the spaces and tabs that may stand around a member; those inside the value stay. */
static mw_str next_member(mw_str *rest)
{
    const char *comma = memchr(rest->p, ',', rest->n);
    size_t n = comma ? (size_t)(comma - rest->p) : rest->n;
    mw_str member = mw_str_trim((mw_str){rest->p, n});
    size_t skip = comma ? n + 1 : n;
    *rest = (mw_str){rest->p + skip, rest->n - skip};
    return member;
}

void mw_tracestate_add(mw_tracectx *ctx, mw_str header)
{
    if (ctx->state[0] == 0 && ctx->state[1] == DROPPED) return;
    while (header.n) {
        mw_str member = next_member(&header);
        if (!member.n || add_member(ctx, member)) continue;
        ctx->state[0] = 0; /* an empty state that stays empty */
        ctx->state[1] = DROPPED;
        return;
    }
}

/* -- new ids ---------------------------------------------------------------------------------- */

static void random_id(uint8_t *id, size_t n)
{
    do MW_ASSERT(getrandom(id, n, 0) == (ssize_t)n);
    while (all_zero(id, n));
}

void mw_trace_id_new(uint8_t id[16]) { random_id(id, 16); }
void mw_span_id_new(uint8_t id[8]) { random_id(id, 8); }
