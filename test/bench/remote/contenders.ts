/** The ways in which a bucket can be read: through mounts, by bare requests, and, for comparison, from the local disk. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { s3Environment } from '../../support/s3-process.js';
import type { Bench } from '../bench.js';
import {
  FACET_ROOT,
  FACET_USER,
  giveTo,
  mountpointFor,
  openFacet,
  openMount,
  RCLONE,
  type View,
} from '../contenders.js';
import { facet } from '../facet.js';
import { isInstalled } from '../peers.js';
import { isRoot, NOBODY } from '../processes.js';
import { BUCKET } from './objects.js';
import type { Line } from './servers.js';

export const S3FS = 's3fs';
export const BARE = 'bare GETs';
export const BARE_TO_FILE = 'the same to a file';
export const LOCAL = 'local disk';

/** What facet's source is called. */
export const SOURCE = 's3';

/** Whoever shows the bucket as a folder. Opening it again finds what it kept on the disk. */
export interface MountContender {
  name: string;
  open(): Promise<View>;
}

interface FacetContender extends MountContender {
  home: string;
}

/** Where each contender looks for the keys, which the quick server does not check. What the user has set for Amazon is not for this server. */
export function setCredentials(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS')) delete process.env[name];
  Object.assign(process.env, {
    ...s3Environment,
    AWSACCESSKEYID: s3Environment.AWS_ACCESS_KEY_ID,
    AWSSECRETACCESSKEY: s3Environment.AWS_SECRET_ACCESS_KEY,
  });
}

/** Those that are installed, with nothing cached. All that they keep is below `folder`. */
export function mountContenders(bench: Bench, line: Line, folder: string, home: string): MountContender[] {
  const peers = [
    { name: RCLONE, open: () => openRclone(bench, line, join(folder, RCLONE)) },
    { name: S3FS, open: () => openS3fs(bench, line, join(folder, S3FS)) },
  ];
  return [...facets(bench, home), ...peers.filter(each => isInstalled(each.name))];
}

/** As root also the mount of somebody else, who reads a copy of the home. */
export function facets(bench: Bench, home: string): FacetContender[] {
  const own = { name: isRoot ? FACET_ROOT : FACET_USER, home, open: () => openFacet(bench, home, SOURCE) };
  if (!isRoot) return [own];
  const copy = giveTo(NOBODY, home, `${home}-user`);
  const open = () => openFacet(bench, copy, SOURCE, NOBODY);
  return [own, { name: FACET_USER, home: copy, open }];
}

export interface CacheSize {
  maxBytes: number;
}

/** Much more than is read, so that nothing has to go. */
export const ROOMY: CacheSize = { maxBytes: 60e9 };

/** A home of facet with the bucket as its source, not scanned yet. */
export async function makeHome(folder: string, { endpoint }: Line, { maxBytes }: CacheSize): Promise<string> {
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'config.yaml'), `cache:\n  maxSize: ${maxBytes}\n`);
  await facet(home, [
    'index',
    'add',
    SOURCE,
    `s3://${BUCKET}`,
    '--endpoint',
    endpoint,
    '--region',
    'us-east-1',
  ]);
  return home;
}

/** The bucket, as rclone calls it. */
export function rcloneRemote({ endpoint }: Line): string {
  return `:s3,provider=Other,env_auth=true,force_path_style=true,region=us-east-1,endpoint="${endpoint}":${BUCKET}`;
}

export function rcloneConfig(folder: string): string[] {
  return ['--config', join(folder, 'rclone.conf')];
}

function openRclone(bench: Bench, line: Line, cache: string): Promise<View> {
  const mountpoint = mountpointFor(bench, RCLONE);
  mkdirSync(cache, { recursive: true });
  const args = ['mount', rcloneRemote(line), mountpoint, '--read-only', '--vfs-cache-mode', 'full'];
  // It would ask for each object what another rclone might have said of its time.
  args.push('--use-server-modtime');
  return openMount({
    program: RCLONE,
    args: [...args, '--cache-dir', cache, ...rcloneConfig(cache)],
    mountpoint,
  });
}

function openS3fs(bench: Bench, { endpoint }: Line, cache: string): Promise<View> {
  const mountpoint = mountpointFor(bench, S3FS);
  mkdirSync(cache, { recursive: true });
  const options = [
    'ro',
    `url=${endpoint}`,
    'use_path_request_style',
    `use_cache=${cache}`,
    `tmpdir=${cache}`,
  ];
  const args = [BUCKET, mountpoint, '-f', ...options.flatMap(option => ['-o', option])];
  return openMount({ program: S3FS, args, mountpoint });
}
