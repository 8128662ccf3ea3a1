/** `facet rules init`: a rules.yaml to begin with. */
import { PRESET_NAMES } from '../../src/rules/preset-names.js';
import { command, flag, option } from '../command.js';
import { oneOf } from '../kinds.js';
import { printable } from '../terminal.js';

export default command({
  description:
    'Writes a commented rules.yaml to begin with. Nothing changes in the tree until it is applied.',
  options: {
    preset: option(oneOf(...PRESET_NAMES), 'NAME', 'which one', { default: 'by-type' }),
    force: flag('replace the rules.yaml that is there', { short: 'f' }),
  },
  examples: [{ command: 'facet rules init --preset photos', says: 'by year and month' }],
  async run({ home, output }, _, { preset, force }) {
    const [{ presets }, { writeRules }] = await Promise.all([
      import('../../src/rules/presets.js'),
      import('./write.js'),
    ]);
    writeRules(home.rulesFile, presets[preset].text, force);
    await output.done(
      { file: home.rulesFile, preset },
      ({ file }) => `wrote ${printable(file)}\nedit it, then look: facet rules plan`,
    );
  },
});
