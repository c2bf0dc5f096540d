/* pb.h - the protobuf wire format: read field by field, written field by field.
 *
 * The reader borrows the bytes, allocates nothing and never recurses; a nested message is read by
 * another reader entered on the field's bytes.  Groups (long out of use) are skipped whole.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_PB_H
#define MW_BASE_PB_H
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

typedef enum mw_pb_wire {
    MW_PB_VARINT = 0,
    MW_PB_FIXED64 = 1,
    MW_PB_BYTES = 2,
    MW_PB_FIXED32 = 5
} mw_pb_wire;

typedef struct mw_pb {
    const char *p, *end, *origin; /* origin: start of the whole body, for offsets in messages */
} mw_pb;

typedef struct mw_pb_field {
    uint32_t number;
    mw_pb_wire wire;
    uint64_t u;   /* varint, fixed64, fixed32 */
    mw_str bytes; /* MW_PB_BYTES */
} mw_pb_field;

void mw_pb_init(mw_pb *r, mw_str body);
void mw_pb_enter(mw_pb *r, const mw_pb *outer, mw_str bytes);

/* 1: *OUT is the next field.  0: the end.  MW_EPARSE: damaged, ERR says at which byte. */
int mw_pb_next(mw_pb *r, mw_pb_field *out, mw_err *err);
bool mw_pb_varint(mw_pb *r, uint64_t *out);  /* one element of a packed field */
bool mw_pb_fixed64(mw_pb *r, uint64_t *out); /* likewise */
double mw_pb_double(uint64_t bits);

void mw_pb_put_varint(mw_buf *b, uint32_t field, uint64_t v);
void mw_pb_put_fixed64(mw_buf *b, uint32_t field, uint64_t v);
void mw_pb_put_double(mw_buf *b, uint32_t field, double v);
void mw_pb_put_bytes(mw_buf *b, uint32_t field, mw_str bytes); /* also strings and messages */

#endif
