/** What the commands about rules and properties tell of mistakes, and of files. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { inPlace, users } from '../support/mounted.js';

const user = users[0] ?? assert.fail();

it('rules check tells all mistakes, in the order of the lines', () =>
  inPlace(user, async place => {
    place.write('a.txt', 'a');
    await place.index();
    await place.done('rules', 'init');
    const { file } = JSON.parse(await place.done('rules', 'init', '--force', '--json'));
    const linesOf = async (text: string) => {
      writeFileSync(file, text);
      const { status, stdout } = await place.facet('rules', 'check', '--json');
      assert.equal(status, 2);
      return stdout
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line).line);
    };
    assert.deepEqual(
      await linesOf('version: 1\ndirectories:\n- path: a\n  pick: one\n  wher: x\n'),
      [3, 4, 5],
    );
    assert.deepEqual(
      await linesOf(
        'version: 1\nlabels:\n- {from: nope, labels: [a]}\ndirectories:\n- {path: /, where: (}\n',
      ),
      [3, 5],
    );
    assert.deepEqual(await linesOf('a: [\n'), [2]);
  }));

it('rules explain tells each part of a date', () =>
  inPlace(user, async place => {
    place.write('a.txt', 'a');
    await place.index();
    const { file } = JSON.parse(await place.done('rules', 'init', '--json'));
    writeFileSync(
      file,
      'version: 1\ndirectories: [{path: /, place: "{taken:YYYY}/{taken:MM}/{fileName}"}]\n',
    );
    await place.done('index', 'set', '/docs/a.txt', 'taken=2024-05-01');
    await place.done('rules', 'apply');
    const explained = JSON.parse(await place.done('rules', 'explain', 'docs:a.txt', '--json'));
    assert.deepEqual(explained.directories[0].mounts[0].values, {
      'taken:YYYY': '2024',
      'taken:MM': '05',
      fileName: 'a.txt',
    });
  }));

it('index set refuses a name that queries cannot ask for', () =>
  inPlace(user, async place => {
    place.write('a.txt', 'a');
    await place.index();
    const { status, stderr } = await place.facet('index', 'set', '/docs/a.txt', 'size=1');
    assert.equal(status, 2);
    assert.match(stderr, /a property cannot be called size/);
  }));
