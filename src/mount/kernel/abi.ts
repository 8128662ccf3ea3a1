/**
 * The FUSE device protocol in numbers: opcodes, flags, struct sizes and field offsets. Nothing here runs.
 *
 * Follows the kernel's include/uapi/linux/fuse.h, protocol 7.9 to 7.45; a name in capitals is the header's name
 * without its FUSE_ prefix, and every struct is little-endian with natural alignment (so x86_64 and arm64 agree).
 * Offsets of requests count from the start of the body, behind `fuse_in_header`; offsets of replies from the
 * start of their struct. Errno values come from the running system, never from this table.
 */

import { constants } from 'node:os';

export const PROTOCOL_MAJOR = 7;
/** The newest minor whose layouts this room knows. */
export const PROTOCOL_MINOR = 45;
/** Before 7.12 the kernel cannot invalidate what it caches, and the layouts differ. */
export const OLDEST_MINOR = 12;
/** From this minor on `fuse_init_out` has 64 bytes; before, 24. */
export const LONG_INIT_MINOR = 23;
export const ROOT_ID = 1;
export const NAME_MAX = 255;
/** The kernel reserves one page for a link's target, with its terminating NUL. */
export const LINK_MAX = 4095;
/** FUSE_MIN_READ_BUFFER: the kernel refuses to fill a smaller one. */
export const SMALLEST_REQUEST_BUFFER = 8192;

export const OPCODE = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  SETXATTR: 21,
  GETXATTR: 22,
  LISTXATTR: 23,
  REMOVEXATTR: 24,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  GETLK: 31,
  SETLK: 32,
  SETLKW: 33,
  ACCESS: 34,
  CREATE: 35,
  INTERRUPT: 36,
  BMAP: 37,
  DESTROY: 38,
  IOCTL: 39,
  POLL: 40,
  NOTIFY_REPLY: 41,
  BATCH_FORGET: 42,
  FALLOCATE: 43,
  READDIRPLUS: 44,
  RENAME2: 45,
  LSEEK: 46,
  COPY_FILE_RANGE: 47,
  SETUPMAPPING: 48,
  REMOVEMAPPING: 49,
  SYNCFS: 50,
  TMPFILE: 51,
  STATX: 52,
  COPY_FILE_RANGE_64: 53,
} as const;

/** One more than the largest opcode counted by its own number. */
export const OPCODE_LIMIT = 64;

/** `enum fuse_notify_code`: what a message with unique 0 means to the kernel. */
export const NOTIFY = { POLL: 1, INVAL_INODE: 2, INVAL_ENTRY: 3, STORE: 4, RETRIEVE: 5, DELETE: 6 } as const;

/** The kernel checks an inval_entry only lazily, keeping a busy mountpoint (FUSE_EXPIRE_ONLY). */
export const EXPIRE_ONLY = 1;

/** `init_in.flags` and `init_out.flags`. */
export const INIT_FLAG = {
  ASYNC_READ: 1 << 0,
  EXPORT_SUPPORT: 1 << 4,
  BIG_WRITES: 1 << 5,
  AUTO_INVAL_DATA: 1 << 12,
  DO_READDIRPLUS: 1 << 13,
  READDIRPLUS_AUTO: 1 << 14,
  ASYNC_DIO: 1 << 15,
  NO_OPEN_SUPPORT: 1 << 17,
  PARALLEL_DIROPS: 1 << 18,
  MAX_PAGES: 1 << 22,
  CACHE_SYMLINKS: 1 << 23,
  NO_OPENDIR_SUPPORT: 1 << 24,
  EXPLICIT_INVAL_DATA: 1 << 25,
  INIT_EXT: 1 << 30,
} as const;

/** `init_in.flags2` and `init_out.flags2`: bits 32 to 63 of the header's flags. */
export const INIT_FLAG2 = {
  HAS_EXPIRE_ONLY: 1 << 3,
  DIRECT_IO_ALLOW_MMAP: 1 << 4,
  PASSTHROUGH: 1 << 5,
} as const;

/** `open_out.open_flags`, to be combined by whoever answers an open. */
export const FOPEN = {
  DIRECT_IO: 1 << 0,
  KEEP_CACHE: 1 << 1,
  NONSEEKABLE: 1 << 2,
  CACHE_DIR: 1 << 3,
  STREAM: 1 << 4,
  NOFLUSH: 1 << 5,
  PASSTHROUGH: 1 << 7,
} as const;

export const GETATTR_FH = 1;

/** struct fuse_in_header */
export const IN_HEADER = {
  len: 0,
  opcode: 4,
  unique: 8,
  nodeid: 16,
  uid: 24,
  gid: 28,
  pid: 32,
  total_extlen: 36,
  SIZE: 40,
} as const;

/** struct fuse_out_header */
export const OUT_HEADER = { len: 0, error: 4, unique: 8, SIZE: 16 } as const;

export const INIT_IN = { major: 0, minor: 4, max_readahead: 8, flags: 12, flags2: 16, SIZE: 16 } as const;
export const GETATTR_IN = { getattr_flags: 0, fh: 8, SIZE: 16 } as const;
export const OPEN_IN = { flags: 0, open_flags: 4, SIZE: 8 } as const;
/** struct fuse_read_in, of READ, READDIR and READDIRPLUS */
export const READ_IN = {
  fh: 0,
  offset: 8,
  size: 16,
  read_flags: 20,
  lock_owner: 24,
  flags: 32,
  SIZE: 40,
} as const;
export const RELEASE_IN = { fh: 0, flags: 8, release_flags: 12, lock_owner: 16, SIZE: 24 } as const;
export const FORGET_IN = { nlookup: 0, SIZE: 8 } as const;
export const BATCH_FORGET_IN = { count: 0, SIZE: 8 } as const;
export const FORGET_ONE = { nodeid: 0, nlookup: 8, SIZE: 16 } as const;
/** struct fuse_getxattr_in, of GETXATTR (a name follows) and LISTXATTR */
export const GETXATTR_IN = { size: 0, SIZE: 8 } as const;
export const ACCESS_IN = { mask: 0, SIZE: 8 } as const;
export const INTERRUPT_IN = { unique: 0, SIZE: 8 } as const;
export const LSEEK_IN = { fh: 0, offset: 8, whence: 16, SIZE: 24 } as const;

/** struct fuse_attr, inside entry_out and attr_out */
export const ATTR = {
  ino: 0,
  size: 8,
  blocks: 16,
  atime: 24,
  mtime: 32,
  ctime: 40,
  atimensec: 48,
  mtimensec: 52,
  ctimensec: 56,
  mode: 60,
  nlink: 64,
  uid: 68,
  gid: 72,
  rdev: 76,
  blksize: 80,
  flags: 84,
  SIZE: 88,
} as const;

export const ENTRY_OUT = {
  nodeid: 0,
  generation: 8,
  entry_valid: 16,
  attr_valid: 24,
  entry_valid_nsec: 32,
  attr_valid_nsec: 36,
  attr: 40,
  SIZE: 128,
} as const;

export const ATTR_OUT = { attr_valid: 0, attr_valid_nsec: 8, dummy: 12, attr: 16, SIZE: 104 } as const;
export const OPEN_OUT = { fh: 0, open_flags: 8, backing_id: 12, SIZE: 16 } as const;

export const INIT_OUT = {
  major: 0,
  minor: 4,
  max_readahead: 8,
  flags: 12,
  max_background: 16,
  congestion_threshold: 18,
  max_write: 20,
  time_gran: 24,
  max_pages: 28,
  map_alignment: 30,
  flags2: 32,
  max_stack_depth: 36,
  /** FUSE_COMPAT_22_INIT_OUT_SIZE */
  SHORT_SIZE: 24,
  SIZE: 64,
} as const;

/** struct fuse_kstatfs */
export const STATFS_OUT = {
  blocks: 0,
  bfree: 8,
  bavail: 16,
  files: 24,
  ffree: 32,
  bsize: 40,
  namelen: 44,
  frsize: 48,
  SIZE: 80,
} as const;

export const DIRENT = { ino: 0, off: 8, namelen: 16, type: 20, name: 24 } as const;
export const GETXATTR_OUT = { size: 0, SIZE: 8 } as const;
export const LSEEK_OUT = { offset: 0, SIZE: 8 } as const;

export const NOTIFY_INVAL_INODE_OUT = { ino: 0, off: 8, len: 16, SIZE: 24 } as const;
export const NOTIFY_INVAL_ENTRY_OUT = { parent: 0, namelen: 8, flags: 12, name: 16 } as const;
export const NOTIFY_STORE_OUT = { nodeid: 0, offset: 8, size: 16, SIZE: 24 } as const;
export const NOTIFY_DELETE_OUT = { parent: 0, child: 8, namelen: 16, name: 24 } as const;

/** struct fuse_backing_map */
export const BACKING_MAP = { fd: 0, flags: 4, padding: 8, SIZE: 16 } as const;
/** _IOW(FUSE_DEV_IOC_MAGIC, 1, struct fuse_backing_map) */
export const DEV_IOC_BACKING_OPEN = 0x4010e501;
/** _IOW(FUSE_DEV_IOC_MAGIC, 2, uint32_t) */
export const DEV_IOC_BACKING_CLOSE = 0x4004e502;

/** The file type of a dirent (DT_DIR …) is the type nibble of a mode. */
export const DT_SHIFT = 12;
/** O_ACCMODE: the access mode of open flags; the same on every Linux, unlike most other O_ values. */
export const O_ACCMODE = 3;

/** The kernel takes a reply whose error is not in -511 … 0 for malformed. */
export const LARGEST_ERRNO = 511;

const { errno } = constants;
export const ERRNO = {
  ENOENT: errno.ENOENT,
  EIO: errno.EIO,
  EBADF: errno.EBADF,
  EAGAIN: errno.EAGAIN,
  EINVAL: errno.EINVAL,
  ENOTTY: errno.ENOTTY,
  EROFS: errno.EROFS,
  ERANGE: errno.ERANGE,
  ENAMETOOLONG: errno.ENAMETOOLONG,
  ENOSYS: errno.ENOSYS,
  EPROTO: errno.EPROTO,
  EOPNOTSUPP: errno.EOPNOTSUPP,
} as const;
