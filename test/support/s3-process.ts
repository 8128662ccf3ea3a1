/**
 * The S3 server of the tests. In a run of many test files the first that needs it starts it, in the folder that the run
 * shares, and the run stops it; a test file that runs alone starts and stops its own.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from './ports.js';
import { makeFolder, removeFolder } from './temporary-folder.js';

/** The environment variable that says which folder the run shares. */
export const SHARED_FOLDER = 'FACET_TEST_FOLDER';

/** What the AWS tools call them. */
export const s3Environment = { AWS_ACCESS_KEY_ID: 'test:tester', AWS_SECRET_ACCESS_KEY: 'testing' };

const script = fileURLToPath(new URL('../../../test/support/s3-server.sh', import.meta.url));
const LONGEST_START_MS = 60_000;

let endpoint: Promise<string> | undefined;
let own: string | undefined;

/** The address of the server, which is running then. Throws when it cannot be started. */
export function s3Endpoint(): Promise<string> {
  endpoint ??= findServer();
  return endpoint;
}

function findServer(): Promise<string> {
  const shared = process.env[SHARED_FOLDER];
  if (shared !== undefined) return sharedServer(join(shared, 's3'));
  own = makeFolder();
  return startServer(own);
}

/** Stops the server that this process has for itself, if any. */
export function stopOwnS3(): void {
  if (own === undefined) return;
  stop(own);
  removeFolder(own);
}

/** Whoever makes the folder starts the server; the others wait for what it writes. */
async function sharedServer(folder: string): Promise<string> {
  const said = join(folder, 'address');
  try {
    mkdirSync(folder);
  } catch {
    return waitForFile(said);
  }
  const address = await startServer(folder).catch(error => `error: ${error.message}`);
  writeFileSync(`${said}.new`, address);
  renameSync(`${said}.new`, said);
  return waitForFile(said);
}

async function waitForFile(file: string): Promise<string> {
  for (const end = Date.now() + LONGEST_START_MS; !existsSync(file); await wait(50)) {
    if (Date.now() > end) throw new Error('the S3 server of the tests did not start');
  }
  const address = readFileSync(file, 'utf8');
  if (address.startsWith('error')) throw new Error(address);
  return address;
}

async function startServer(folder: string): Promise<string> {
  const ports = await freePorts(5);
  execFileSync('bash', [script, 'start', folder, ...ports.map(String)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return `http://127.0.0.1:${ports[0]}`;
}

/** Stops the server that tests of this run may have started. */
export function stopS3(shared: string): void {
  if (existsSync(join(shared, 's3'))) stop(join(shared, 's3'));
}

function stop(folder: string): void {
  execFileSync('bash', [script, 'stop', folder], { stdio: 'inherit' });
}
