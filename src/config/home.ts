/**
 * Where facet keeps its files. One decision, taken once per process from `--home`, the environment and the XDG
 * Base Directory Specification; everything else is told. Pure but for `createDirectory`: finding out where the
 * catalog is must not create it, so that a read-only command leaves no trace.
 */
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { errorMessage, FacetError, type FacetErrorCode, systemErrorCode } from '../errors.js';

/** Absolute paths, none of which needs to exist. */
export interface Home {
  readonly configFile: string;
  readonly rulesFile: string;
  readonly dataDir: string;
  readonly catalogFile: string;
  readonly cacheDir: string;
}

export interface HomeSettings {
  /** `--home DIR`; wins over everything in the environment. */
  home?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
}

export function resolveHome({ home, env }: HomeSettings): Home {
  // An empty variable means "not set", as for every XDG variable; an empty `--home` is a mistake in a script.
  if (home === '') throw new FacetError('usage', '--home needs a directory, not an empty value');
  const single = home ?? (env.FACET_HOME || undefined);
  if (single !== undefined) return homeIn(resolve(single));

  const configDir = join(baseDirectory(env, 'XDG_CONFIG_HOME', '.config'), 'facet');
  const dataDir = join(baseDirectory(env, 'XDG_DATA_HOME', '.local/share'), 'facet');
  return {
    configFile: join(configDir, 'config.yaml'),
    rulesFile: join(configDir, 'rules.yaml'),
    dataDir,
    catalogFile: join(dataDir, 'catalog.db'),
    cacheDir: join(baseDirectory(env, 'XDG_CACHE_HOME', '.cache'), 'facet'),
  };
}

function homeIn(directory: string): Home {
  return {
    configFile: join(directory, 'config.yaml'),
    rulesFile: join(directory, 'rules.yaml'),
    dataDir: directory,
    catalogFile: join(directory, 'catalog.db'),
    cacheDir: join(directory, 'cache'),
  };
}

/** The specification: "if an implementation encounters a relative path … it should … ignore it". */
function baseDirectory(env: HomeSettings['env'], variable: string, fallback: string): string {
  const value = env[variable];
  return value !== undefined && isAbsolute(value) ? value : join(userDirectory(env), fallback);
}

/** `HOME` first, as a shell does; the password database where cron or systemd leaves it out. */
function userDirectory(env: HomeSettings['env']): string {
  return env.HOME !== undefined && isAbsolute(env.HOME) ? env.HOME : homedir();
}

const creationFailures: Readonly<Record<string, FacetErrorCode>> = {
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'read-only',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
};

/**
 * Makes a directory of the home, and those above it, for the user only (0700). Call it right before the first
 * write, never to look.
 */
export function createDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    const code = creationFailures[systemErrorCode(error) ?? ''] ?? 'failed';
    throw new FacetError(code, `cannot create the directory ${directory}: ${errorMessage(error)}`, {
      hint: `check ${dirname(directory)}, or choose another place with --home or FACET_HOME`,
      path: directory,
      cause: error,
    });
  }
}
