/**
 * Passthrough: registers an open local file with the kernel, which then reads it without asking. Needs
 * CAP_SYS_ADMIN and a session that negotiated passthrough. One prepared buffer a thread; ioctls of uapi
 * linux/fuse.h (7.40).
 */

import { BACKING_MAP, DEV_IOC_BACKING_CLOSE, DEV_IOC_BACKING_OPEN } from './abi.js';
import { ioctl } from './libc.js';

const map = Buffer.alloc(BACKING_MAP.SIZE);
const id = Buffer.alloc(4);

/**
 * Makes `descriptor` a backing file of the mount on `device`: its id (> 0), or a negative errno. The kernel
 * holds the file by itself: the descriptor may be closed. EPERM: not root; ELOOP: on a stacked file system.
 */
export function openBacking(device: number, descriptor: number): number {
  map.writeInt32LE(descriptor, BACKING_MAP.fd);
  return ioctl(device, DEV_IOC_BACKING_OPEN, map);
}

/** Gives an id back; open files that use it keep their file. 0 or a negative errno. */
export function closeBacking(device: number, backingId: number): number {
  id.writeInt32LE(backingId, 0);
  return ioctl(device, DEV_IOC_BACKING_CLOSE, id);
}
