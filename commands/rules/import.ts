/** `facet rules import`: the rules of another program, as a rules.yaml. */
import { readText } from '../../src/config/document.js';
import { argument, command, flag, option } from '../command.js';
import { file, oneOf } from '../kinds.js';
import { printable } from '../terminal.js';

export default command({
  description:
    'Makes a rules.yaml of the rules of MetaMesh (renaming-rules.json) or MosaicFS (its virtual_directory documents). What cannot be carried over exactly is told. Nothing changes in the tree until it is applied.',
  arguments: { file: argument(file, 'FILE', 'the rules to read, JSON') },
  options: {
    from: option(oneOf('metamesh', 'mosaicfs'), 'PROGRAM', 'whose rules they are', { default: 'metamesh' }),
    stdout: flag('print the document instead of writing rules.yaml'),
    force: flag('replace the rules.yaml that is there', { short: 'f' }),
  },
  examples: [
    { command: 'facet rules import --from metamesh renaming-rules.json', says: 'then: facet rules plan' },
  ],
  async run({ home, output, warn }, { file: from }, options) {
    const [{ importMetamesh }, { importMosaicfs }, { writeRules }] = await Promise.all([
      import('../../src/rules/import-metamesh.js'),
      import('../../src/rules/import-mosaicfs.js'),
      import('./write.js'),
    ]);
    const read = { metamesh: importMetamesh, mosaicfs: importMosaicfs }[options.from];
    const { text, warnings } = read(readText(from), from);
    for (const each of warnings) warn(each);
    if (options.stdout) {
      await output.text(text);
      return;
    }
    writeRules(home.rulesFile, text, options.force);
    await output.done(
      { file: home.rulesFile, warnings },
      ({ file: written }) => `wrote ${printable(written)}\nlook at what it would do: facet rules plan`,
    );
  },
});
