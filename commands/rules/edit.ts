/** `facet rules edit`: rules.yaml in the user's editor. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { FacetError } from '../../src/errors.js';
import { command } from '../command.js';
import { printable } from '../terminal.js';
import { openVolume } from '../volume.js';

export default command({
  description:
    'Opens rules.yaml in the editor that VISUAL or EDITOR names (vi where neither is set), and checks it afterwards. Nothing changes in the tree until it is applied.',
  async run({ home, output }) {
    const [{ draftOf }, { rulesOf }] = await Promise.all([
      import('./draft.js'),
      import('../../src/rules/document.js'),
    ]);
    if (!existsSync(home.rulesFile)) {
      throw new FacetError('not-found', `there is no ${home.rulesFile} to edit`, {
        hint: 'begin with facet rules init',
        path: home.rulesFile,
      });
    }
    await openEditor(process.env.VISUAL || process.env.EDITOR || 'vi', home.rulesFile);
    const volume = await openVolume(home);
    try {
      rulesOf(draftOf(home.rulesFile, volume));
    } finally {
      volume.close();
    }
    await output.done(
      { file: home.rulesFile },
      ({ file }) => `${printable(file)} can be applied\nlook at what it would do: facet rules plan`,
    );
  },
});

/** `editor` may have arguments: `code --wait`. They are told apart by spaces; no shell reads them. */
async function openEditor(editor: string, file: string): Promise<void> {
  const [program = 'vi', ...args] = editor.split(' ').filter(word => word !== '');
  const child = spawn(program, [...args, file], { stdio: 'inherit' });
  try {
    const [status] = await once(child, 'exit');
    if (status === 0) return;
    throw new FacetError('failed', `the editor ${program} ended with status ${status}`);
  } catch (error) {
    if (error instanceof FacetError) throw error;
    throw new FacetError('failed', `cannot start the editor ${program}`, {
      cause: error,
      hint: 'set EDITOR',
    });
  }
}
