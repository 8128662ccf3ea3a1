/** Folders that live as long as a test. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

/** A new, empty folder, as a real path. It is removed when the test is over. */
export function temporaryFolder(context: TestContext): string {
  const folder = makeFolder();
  context.after(() => removeFolder(folder));
  return folder;
}

/** For what is made many times in one test; whoever makes it removes it. */
export function makeFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'facet-test-')));
}

/** Removes a folder, even one with closed folders in it, or with paths that are longer than the system takes. */
export function removeFolder(folder: string): void {
  const script = 'rm -rf -- "$1" 2>/dev/null || { chmod -R u+rwX -- "$1"; rm -rf -- "$1"; }';
  execFileSync('sh', ['-c', script, 'sh', folder]);
}

/** Writes a file, and the folders above it. Returns its path. */
export function writeFile(folder: string, path: string, contents: string | Buffer = path): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents);
  return file;
}

/** Writes files, each with its own path as its contents. */
export function writeFiles(folder: string, ...paths: string[]): void {
  for (const path of paths) writeFile(folder, path);
}
