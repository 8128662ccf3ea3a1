/**
 * Opening files while another process exchanges them for links to the outside, as fast as it can: never a byte from
 * outside. With openat2(2), and where the kernel or a sandbox does not have it.
 */
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProgram, startProgram } from '../support/processes.js';
import { temporaryFolder, writeFile } from '../support/temporary-folder.js';

const OPENING = new URL('./open-process.js', import.meta.url);
const SWAPPING = new URL('./swap-process.js', import.meta.url);
const TIMES = '2500';

const exchanges = { 'a folder on the way': 'folder', 'the file itself': 'folder/file' };
const systems = { 'with openat2': [], 'without openat2': ['without-openat2'] };

for (const [what, swapped] of Object.entries(exchanges)) {
  for (const [how, options] of Object.entries(systems)) {
    test(`${what} is exchanged for a link to the outside, ${how}`, async t => {
      const above = temporaryFolder(t);
      const root = join(above, 'source');
      writeFile(root, 'folder/file', 'inside');
      writeFile(above, 'outside/file', 'outside');
      symlinkSync(join(above, 'outside', swapped === 'folder' ? '' : 'file'), join(root, 'link'));
      const swapper = startProgram(t, SWAPPING, [root, swapped, 'link']);
      await swapper.line();
      const outcomes = await runProgram<Record<string, number>>(t, OPENING, [
        root,
        'folder/file',
        TIMES,
        ...options,
      ]);
      swapper.process.kill('SIGKILL');
      const { inside = 0, outside = 0, ...refused } = outcomes;
      assert.equal(outside, 0);
      assert.ok(inside > 0, `it was never there: ${JSON.stringify(outcomes)}`);
      assert.ok(Object.keys(refused).length > 0, `it was never exchanged: ${JSON.stringify(outcomes)}`);
      for (const code of Object.keys(refused)) {
        assert.ok(['denied', 'not-found', 'content-changed'].includes(code), JSON.stringify(outcomes));
      }
    });
  }
}
