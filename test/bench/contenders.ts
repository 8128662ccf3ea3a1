/** The ways in which one folder can be shown: as it is, through facet, and through the peers that are installed. */
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, makeFolder, remove } from './bench.js';
import { facetArguments } from './facet.js';
import { isInstalled } from './peers.js';
import { isRoot, NOBODY, stopProcess, type User } from './processes.js';
import { type MountCommand, startMount } from './ready.js';

/** A folder that is to be shown. */
export interface Shown {
  /** What facet's source is called. */
  name: string;
  root: string;
}

/** A folder as a contender shows it, from the moment it is mounted. */
export interface View {
  root: string;
  /** Whoever mounted it, and may therefore read it. */
  as: User | undefined;
  /** The process behind the mount. */
  pid: number | undefined;
  close(): Promise<void>;
}

export interface Contender {
  name: string;
  /** Takes part in the first round only. */
  isSlow: boolean;
  open(shown: Shown): Promise<View>;
}

export const NATIVE = 'native';
export const FACET_ROOT = 'facet, root';
export const FACET_USER = 'facet, user';
export const BINDFS = 'bindfs';
export const RCLONE = 'rclone';

/** All that may take part on this machine. `home` has every folder as a source of its name. */
export function contenders(bench: Bench, home: string): Contender[] {
  const installed = (name: string, open: Contender['open'], isSlow = false) =>
    isInstalled(name) ? [{ name, isSlow, open }] : [];
  return [
    { name: NATIVE, isSlow: false, open: openNative },
    ...facets(bench, home),
    ...installed(BINDFS, shown => openBindfs(bench, shown)),
    ...installed(RCLONE, shown => openRclone(bench, shown), true),
  ];
}

async function openNative({ root }: Shown): Promise<View> {
  return { root, as: undefined, pid: undefined, close: async () => {} };
}

/** Root's mount reads through the kernel alone (passthrough), anybody else's through facet: root measures both. */
function facets(bench: Bench, home: string): Contender[] {
  const facet = (name: string, at: string, as?: User): Contender => ({
    name,
    isSlow: false,
    open: shown => openFacet(bench, at, shown.name, as),
  });
  if (!isRoot) return [facet(FACET_USER, home)];
  return [facet(FACET_ROOT, home), facet(FACET_USER, giveTo(NOBODY, home, `${home}-user`), NOBODY)];
}

/** A copy of a home that belongs to somebody else. */
export function giveTo(user: User, home: string, copy: string): string {
  cpSync(home, copy, { recursive: true });
  chmodSync(copy, 0o755);
  for (const path of ['', ...readdirSync(copy, { recursive: true, encoding: 'utf8' })]) {
    chownSync(join(copy, path), user.uid, user.gid);
  }
  return copy;
}

/** Shows one source. */
export async function openFacet(bench: Bench, home: string, source: string, as?: User): Promise<View> {
  const mountpoint = mountpointFor(bench, `facet-${as?.uid ?? 'me'}`, as);
  const program = process.execPath;
  const view = await openMount({ program, args: facetArguments(home, 'mount', mountpoint), mountpoint, as });
  return { ...view, root: join(mountpoint, source) };
}

function openBindfs(bench: Bench, { root }: Shown): Promise<View> {
  const mountpoint = mountpointFor(bench, BINDFS);
  return openMount({ program: BINDFS, args: ['-f', '-r', '--no-allow-other', root, mountpoint], mountpoint });
}

/** With a cache of its own each time, so that "first time" means it. */
async function openRclone(bench: Bench, { root }: Shown): Promise<View> {
  const mountpoint = mountpointFor(bench, RCLONE);
  const cache = makeFolder(bench, 'rclone-cache');
  const args = ['mount', `:local:${root}`, mountpoint, '--read-only', '--vfs-cache-mode', 'full'];
  const own = ['--cache-dir', cache, '--config', join(cache, 'rclone.conf')];
  const view = await openMount({ program: RCLONE, args: [...args, ...own], mountpoint });
  const close = async () => {
    await view.close();
    await remove(cache);
  };
  return { ...view, close };
}

export function mountpointFor(bench: Bench, name: string, owner?: User): string {
  const mountpoint = join(bench.folder, 'mounts', name);
  mkdirSync(mountpoint, { recursive: true });
  if (owner) chownSync(mountpoint, owner.uid, owner.gid);
  return mountpoint;
}

export async function openMount(command: MountCommand): Promise<View> {
  const { child } = await startMount(command);
  return { root: command.mountpoint, as: command.as, pid: child.pid, close: () => stopProcess(child) };
}
