/**
 * Mounting and unmounting through the system's own setuid helper, fusermount3(1), for root and users alike: it
 * opens /dev/fuse, applies the system's checks and hands the descriptor over a socket (_FUSE_COMMFD).
 * Argument vectors only, never a shell, and an environment of three variables.
 */

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { errorMessage, FacetError, type FacetErrorCode, systemErrorCode } from '../../errors.js';
import { openSocketPair, receiveDescriptor } from './libc.js';

export interface MountOptions {
  /** Default true: this room answers no writes. */
  readOnly?: boolean;
  /** Let other users in; needs user_allow_other in /etc/fuse.conf unless root mounts. */
  allowOther?: boolean;
  /** Let the kernel check permissions by mode, uid and gid. */
  defaultPermissions?: boolean;
  /** What `df` and /proc/mounts show as the device. */
  fsname?: string;
  /** The type shown is `fuse.` and this. */
  subtype?: string;
  /** Largest READ in bytes; give the session the same. */
  maxRead?: number;
}

const HELPER = 'fusermount3';

/**
 * Mounts on `mountpoint` and returns the device's descriptor, closed on exec, on which a session must run at
 * once: until it answers, whoever touches the mountpoint waits. Throws FacetError, with the helper's own words.
 */
export async function openMount(mountpoint: string, options: MountOptions): Promise<number> {
  await refuseDeadMount(mountpoint);
  const [ours, theirs] = openSocketPair();
  try {
    const outcome = await runHelper(['-o', optionList(options), '--', mountpoint], theirs);
    if (outcome.status !== 0) throw explain('mount', mountpoint, outcome.stderr);
    const device = receiveDescriptor(ours);
    if (device === undefined) throw explain('mount', mountpoint, `${HELPER} handed over no descriptor`);
    return device;
  } finally {
    fs.closeSync(ours);
    fs.closeSync(theirs);
  }
}

/**
 * The helper looks at the mountpoint with lstat(2), which a mount that died a moment ago still answers from the
 * kernel's cache: a second mount would cover it for ever. statfs(2) is never cached.
 */
async function refuseDeadMount(mountpoint: string): Promise<void> {
  try {
    await fs.promises.statfs(mountpoint);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOTCONN') throw explain('mount', mountpoint, errorMessage(error));
    // Anything else the helper reports in its own words.
  }
}

/**
 * Unmounts. Throws FacetError 'in-use' while files in it are open, unless `lazy`: then the mountpoint is free at
 * once, and the file system ends with its last open file.
 */
export async function unmount(mountpoint: string, { lazy = false }: { lazy?: boolean } = {}): Promise<void> {
  const outcome = await runHelper(['-u', ...(lazy ? ['-z'] : []), '--', mountpoint]);
  if (outcome.status !== 0) throw explain('unmount', mountpoint, outcome.stderr);
}

/** The argument of -o. */
export function optionList(options: MountOptions): string {
  const list = ['nosuid', 'nodev', options.readOnly === false ? 'rw' : 'ro'];
  if (options.allowOther) list.push('allow_other');
  if (options.defaultPermissions) list.push('default_permissions');
  if (options.maxRead !== undefined) list.push(`max_read=${options.maxRead}`);
  if (options.fsname !== undefined) list.push(`fsname=${escapeOption(options.fsname)}`);
  if (options.subtype !== undefined) list.push(`subtype=${escapeOption(options.subtype)}`);
  return list.join(',');
}

/** The helper splits its options at commas that no backslash precedes. */
function escapeOption(value: string): string {
  return value.replace(/[\\,]/g, '\\$&');
}

interface Outcome {
  status: number | null;
  stderr: string;
}

/** Runs the helper to its end; `socket` becomes its descriptor 3. */
function runHelper(args: string[], socket?: number): Promise<Outcome> {
  const path = process.env.PATH ?? '/usr/bin:/bin';
  const env = { PATH: path, LC_ALL: 'C', ...(socket === undefined ? {} : { _FUSE_COMMFD: '3' }) };
  const extra = socket === undefined ? [] : [socket];
  return new Promise((resolve, reject) => {
    const child = spawn(HELPER, args, { env, stdio: ['ignore', 'ignore', 'pipe', ...extra] });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', error => reject(missingHelper(error)));
    child.once('close', status => resolve({ status, stderr }));
  });
}

function missingHelper(error: Error): FacetError {
  const missing = systemErrorCode(error) === 'ENOENT';
  return new FacetError('failed', missing ? `${HELPER} is not installed` : `${HELPER}: ${error.message}`, {
    hint: missing ? 'apt install fuse3 (or the package fuse3 of your distribution)' : undefined,
    cause: error,
  });
}

interface Explanation {
  /** What the helper's message contains. */
  says: RegExp;
  code: FacetErrorCode;
  hint: string;
}

/** The helper's messages (util/fusermount.c of libfuse), the more particular ones first. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    says: /user_allow_other/,
    code: 'denied',
    hint: 'put the line user_allow_other into /etc/fuse.conf, or mount without --allow-other',
  },
  {
    says: /fuse device not found|\/dev\/fuse: No such/,
    code: 'denied',
    hint: 'load the kernel module: modprobe fuse',
  },
  {
    says: /\/dev\/fuse/,
    code: 'denied',
    hint: 'this user may not open /dev/fuse; in a container pass --device /dev/fuse --cap-add SYS_ADMIN',
  },
  {
    says: /too many FUSE|mount_max/,
    code: 'denied',
    hint: 'unmount something, or raise mount_max in /etc/fuse.conf',
  },
  {
    says: /no write access to mountpoint|not owned by user/,
    code: 'denied',
    hint: 'mount on a folder that belongs to you',
  },
  {
    says: /endpoint is not connected|ENOTCONN/,
    code: 'in-use',
    hint: 'a mount died here; free the folder with fusermount3 -u',
  },
  { says: /busy/i, code: 'in-use', hint: 'fuser -vm on the mountpoint says who uses it' },
  { says: /No such file/, code: 'not-found', hint: 'create the mountpoint first' },
  { says: /not found in|Invalid argument/, code: 'not-found', hint: 'nothing is mounted there' },
  { says: /Not a directory/, code: 'usage', hint: 'mount on a folder' },
  { says: /not permitted|Permission denied/, code: 'denied', hint: 'is fusermount3 setuid root?' },
];

function explain(verb: string, mountpoint: string, stderr: string): FacetError {
  const words = stderr.trim() || `${HELPER} failed without a word`;
  const known = EXPLANATIONS.find(({ says }) => says.test(words));
  return new FacetError(known?.code ?? 'failed', `cannot ${verb} ${mountpoint}: ${words}`, {
    hint: known?.hint,
    path: mountpoint,
  });
}
