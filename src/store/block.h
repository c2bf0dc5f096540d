/* block.h - an immutable file of checksummed sections, mapped into memory.
 *
 * What the sections mean is for the store above.  A block that can be opened was written whole:
 * its name appears only after its bytes are on the disk.  The layout is docs/format/block.md.
 * SPDX-License-Identifier: MIT */
#ifndef MW_STORE_BLOCK_H
#define MW_STORE_BLOCK_H
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "store/io.h"

/* -- writing -------------------------------------------------------------------------------- */

typedef struct mw_block_writer mw_block_writer;

/* Bytes go to PATH.tmp until mw_block_finish.  KIND tells which store wrote it. */
mw_block_writer *mw_block_create(const mw_io *io, const char *path, uint32_t kind, mw_err *err);
/* A section begins, 8-byte aligned; each TYPE at most once. */
void mw_block_begin(mw_block_writer *w, uint32_t type);
void mw_block_write(mw_block_writer *w, const void *p, size_t n);
uint64_t mw_block_offset(const mw_block_writer *w); /* bytes in the section so far */
/* Checksums and directory, sync, rename, sync of the folder.  The first failure of any call before
 * is told here, too; then nothing is left at PATH.  Frees W. */
int mw_block_finish(mw_block_writer *w, uint64_t *bytes, mw_err *err);
void mw_block_abort(mw_block_writer *w); /* NULL is fine */

/* -- reading -------------------------------------------------------------------------------- */

typedef struct mw_block mw_block;

/* Maps the file and checks its directory.  MW_ECORRUPT: damaged; MW_ENOENT: no such file. */
mw_block *mw_block_open(const char *path, uint32_t kind, mw_err *err);
mw_block *mw_block_retain(mw_block *b);
void mw_block_release(mw_block *b); /* the last one unmaps; NULL is fine */
const char *mw_block_path(const mw_block *b);
uint64_t mw_block_bytes(const mw_block *b);

/* The bytes of a section; {NULL, 0} when there is none.  Not checked yet. */
mw_str mw_block_section(const mw_block *b, uint32_t type);
mw_str mw_block_body(const mw_block *b); /* all sections, and what is between them */
/* Compares the checksums of the 64 KiB pages that hold P..P+N (inside the body) unless it was done
 * before.  MW_ECORRUPT names the file and the offset.  Any thread; cheap when done before. */
int mw_block_check(mw_block *b, const void *p, size_t n, mw_err *err);
bool mw_block_is_damaged(const mw_block *b); /* some check failed */

#endif
