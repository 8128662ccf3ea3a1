/**
 * The settings of config.yaml (schema.ts), which need not exist. Reads the file, and keeps the validated settings as
 * JSON in the cache directory, because `yaml` and `zod` take longer to load than most commands take to run. The copy
 * is bound to the file and to the schema by their inodes, sizes and times; anything doubtful is read again.
 */
import { type BigIntStats, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as z from 'zod';
import { errorMessage, FacetError, systemErrorCode } from '../errors.js';
import { defaults } from './defaults.js';
import { createDirectory, type Home } from './home.js';
import type { configSchema } from './schema.js';
import { parseDuration, parseSize } from './units.js';

/** Sizes in bytes, durations in milliseconds. */
export type Config = z.output<typeof configSchema>;

/** Throws a FacetError `usage` that says file, line and column, `denied` where the file cannot be read. */
export async function loadConfig(home: Pick<Home, 'configFile' | 'cacheDir'>): Promise<Config> {
  const stat = statConfig(home.configFile);
  if (stat === undefined) return defaultConfig();
  const key = `${home.configFile} ${identity(stat)} ${schemaIdentity()}`;
  const copy = join(home.cacheDir, 'config.json');
  const kept = readCopy(copy, key);
  if (kept !== undefined) return kept;

  const [{ readDocument }, { configSchema }] = await Promise.all([
    import('./document.js'),
    import('./schema.js'),
  ]);
  const config = readDocument(home.configFile, configSchema);
  if (isSettled(stat)) writeCopy(home.cacheDir, copy, { key, config });
  return config;
}

export function defaultConfig(): Config {
  const { scan, mount, cache, redis } = defaults;
  return {
    scan: { exclude: [...scan.exclude] },
    mount: { ...mount },
    mounts: [],
    cache: {
      maxSize: parseSize(cache.maxSize),
      minFree: parseSize(cache.minFree),
      maxAge: parseDuration(cache.maxAge),
      memory: parseSize(cache.memory),
    },
    redis: { ...redis },
  };
}

function statConfig(file: string): BigIntStats | undefined {
  try {
    return statSync(file, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    const code = systemErrorCode(error) === 'EACCES' ? 'denied' : 'failed';
    const hint = code === 'denied' ? 'check the owner and permissions of the folders above it' : undefined;
    throw new FacetError(code, `cannot read ${file}: ${errorMessage(error)}`, {
      path: file,
      cause: error,
      hint,
    });
  }
}

function identity({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

/** Every release and every build writes the schema's file anew, so its change time stands for the whole program. */
function schemaIdentity(): string {
  return identity(statSync(new URL('./schema.js', import.meta.url), { bigint: true }));
}

// The kernel's clock for file times ticks every few milliseconds: an edit within the same tick, of the same size,
// would not be noticed. Such a fresh file is not kept yet.
const SETTLED_AFTER_MS = 100;

function isSettled({ ctimeMs }: BigIntStats): boolean {
  return Date.now() - Number(ctimeMs) > SETTLED_AFTER_MS;
}

interface Copy {
  key: string;
  config: Config;
}

/** Undefined for a copy that is missing, damaged or of something else. */
function readCopy(file: string, key: string): Config | undefined {
  try {
    // Written by this build for this very file, or its key would differ.
    const copy: Partial<Copy> | null = JSON.parse(readFileSync(file, 'utf8'));
    return copy?.key === key ? copy.config : undefined;
  } catch {
    return undefined;
  }
}

/** The copy only saves time: where it cannot be written, there is none. */
function writeCopy(directory: string, file: string, copy: Copy): void {
  const unfinished = `${file}.${process.pid}`;
  try {
    createDirectory(directory);
    try {
      writeFileSync(unfinished, JSON.stringify(copy), { mode: 0o600 });
      renameSync(unfinished, file);
    } finally {
      rmSync(unfinished, { force: true });
    }
  } catch {
    // As said.
  }
}
