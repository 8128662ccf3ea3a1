/**
 * A test file system: shows a local folder, through the handler interface of src/mount/kernel. Paths are kept as
 * latin1 strings, one character a byte, so that names which are not UTF-8 survive.
 */

import fs from 'node:fs';
import { constants } from 'node:os';
import { FOPEN } from '../../../src/mount/kernel/abi.js';
import { closeBacking, openBacking } from '../../../src/mount/kernel/backing.js';
import {
  createEntry,
  DEFERRED,
  type Entry,
  type Handler,
  type Negotiated,
} from '../../../src/mount/kernel/handlers.js';
import { Splicer } from '../../../src/mount/kernel/splice.js';

export interface MirrorOptions {
  /** For passthrough and spliced answers. */
  device: number;
  timeoutMs?: number;
}

const { ENODATA, ENOENT, EBADF, ESTALE } = constants.errno;
const BASE_XATTRS = new Map([['user.mirror', Buffer.from('yes')]]);

/** Bytes for a path with other than ASCII characters, the path itself for the others: Node is faster with those. */
function native(path: string): string | Buffer {
  const bytes = Buffer.from(path, 'latin1');
  return bytes.some(byte => byte >= 0x80) ? bytes : path;
}

const ASCII = /^[ -~]*$/;
const nativePath = (path: string) => (ASCII.test(path) ? path : native(path));

export function createMirror(root: string, { device, timeoutMs = 1000 }: MirrorOptions): Handler {
  const rootPath = Buffer.from(root).toString('latin1');
  const paths = new Map<number, string>([[1, '']]);
  const inos = new Map<string, number>([['', 1]]);
  const listings = new Map<number, string[]>();
  const backings = new Map<number, number>();
  const scratch = createEntry();
  const splicer = new Splicer(device);
  let agreed: Negotiated | undefined;
  let nextHandle = 1;

  const inoOf = (path: string): number => {
    const known = inos.get(path);
    if (known !== undefined) return known;
    const ino = inos.size + 1;
    inos.set(path, ino);
    paths.set(ino, path);
    return ino;
  };
  const pathOf = (ino: number): string => {
    const path = paths.get(ino);
    if (path === undefined) throw Object.assign(new Error('stale'), { errno: -ESTALE });
    return path;
  };
  const fill = (out: Entry, path: string, stat: fs.Stats): void => {
    out.ino = inoOf(path);
    out.tag = out.ino === 1 ? 0 : 7;
    out.entryTimeoutMs = timeoutMs;
    out.attrTimeoutMs = timeoutMs;
    out.mode = stat.mode;
    out.nlink = stat.nlink;
    out.uid = stat.uid;
    out.gid = stat.gid;
    out.size = stat.size;
    out.blocks = stat.blocks;
    out.atimeUs = Math.round(stat.atimeMs * 1000);
    out.mtimeUs = Math.round(stat.mtimeMs * 1000);
    out.ctimeUs = Math.round(stat.ctimeMs * 1000);
  };
  const status = (path: string) => fs.lstatSync(nativePath(rootPath + path), { throwIfNoEntry: false });

  return {
    init: negotiated => {
      agreed = negotiated;
    },
    lookup(request, name, out) {
      const path = `${pathOf(request.ino)}/${name.toString('latin1')}`;
      const stat = status(path);
      if (stat !== undefined) fill(out, path, stat);
      out.entryTimeoutMs = timeoutMs;
      return 0;
    },
    getattr(request, out) {
      const path = pathOf(request.ino);
      const stat = status(path);
      if (stat === undefined) return -ENOENT;
      fill(out, path, stat);
      return 0;
    },
    readlink: request => fs.readlinkSync(nativePath(rootPath + pathOf(request.ino)), 'buffer'),
    open(request, out) {
      out.handle = fs.openSync(nativePath(rootPath + pathOf(request.ino)), 'r');
      out.flags = FOPEN.KEEP_CACHE | FOPEN.NOFLUSH;
      const backing = agreed?.passthrough ? openBacking(device, out.handle) : -1;
      if (backing > 0) {
        backings.set(out.handle, backing);
        out.flags = FOPEN.PASSTHROUGH;
        out.backingId = backing;
      }
      return 0;
    },
    read(request, target, at) {
      const { handle, size, offset } = request;
      const isWhole = Splicer.isWorthIt(size) && offset + size <= fs.fstatSync(handle).size;
      if (isWhole && splicer.answer(request, handle)) return DEFERRED;
      return fs.readSync(handle, target, at, size, offset);
    },
    release(request) {
      const backing = backings.get(request.handle);
      if (backing !== undefined) closeBacking(device, backing);
      backings.delete(request.handle);
      fs.closeSync(request.handle);
    },
    opendir(request, out) {
      out.handle = nextHandle++;
      listings.set(out.handle, fs.readdirSync(nativePath(rootPath + pathOf(request.ino)), 'latin1'));
      return 0;
    },
    readdir(request, listing) {
      const names = listings.get(request.handle);
      if (names === undefined) return -EBADF;
      const parent = pathOf(request.ino);
      for (let i = request.offset; i < names.length; i += 1) {
        const name = names[i] ?? '';
        const path = `${parent}/${name}`;
        const stat = status(path);
        if (stat === undefined) continue;
        fill(scratch, path, stat);
        if (!listing.add(ASCII.test(name) ? name : Buffer.from(name, 'latin1'), scratch, i + 1)) break;
      }
      return 0;
    },
    releasedir: request => void listings.delete(request.handle),
    statfs(_request, out) {
      const { bsize, blocks, bfree, bavail, files, ffree } = fs.statfsSync(nativePath(rootPath));
      Object.assign(out, {
        blockSize: bsize,
        blocks,
        freeBlocks: bfree,
        availableBlocks: bavail,
        files,
        freeFiles: ffree,
      });
      return 0;
    },
    getxattr: (_request, name) => BASE_XATTRS.get(name.toString('latin1')) ?? -ENODATA,
    listxattr: () => Buffer.from([...BASE_XATTRS.keys()].map(name => `${name}\0`).join('')),
  };
}
