/* block_layout.h - the fixed numbers of docs/format/block.md, for its writer and its reader only.
 * SPDX-License-Identifier: MIT */
#ifndef MW_STORE_BLOCK_LAYOUT_H
#define MW_STORE_BLOCK_LAYOUT_H

#define MW_BLOCK_MAGIC "mwblock"  /* and its NUL: 8 bytes, first in the file */
#define MW_BLOCK_END   "mwblkend" /* 8 bytes, last in the file */

enum {
    MW_BLOCK_VERSION = 1,
    MW_BLOCK_PAGE = 64 << 10, /* bytes under one checksum */
    MW_BLOCK_ALIGN = 8,
    MW_BLOCK_SECTIONS = 256, /* at most */
    MW_BLOCK_HEADER = 16,    /* magic, version, kind */
    MW_BLOCK_ENTRY = 24,     /* of the directory: type, 0, offset, length */
    MW_BLOCK_TRAILER = 24,   /* body, sections, checksum, end */
};

#endif
