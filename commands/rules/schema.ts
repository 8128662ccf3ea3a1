/** `facet rules schema`: rules.yaml as a JSON Schema. */
import { command } from '../command.js';

export default command({
  description:
    'Prints the JSON Schema (draft 2020-12) of rules.yaml. Editors that know yaml-language-server complete and check a rules.yaml that begins with # yaml-language-server: $schema=rules.schema.json',
  examples: [{ command: 'facet rules schema > rules.schema.json', says: 'written beside rules.yaml' }],
  async run({ output }) {
    const [{ rulesSchema }, { toJSONSchema }] = await Promise.all([
      import('../../src/rules/schema.js'),
      import('zod'),
    ]);
    const schema = toJSONSchema(rulesSchema, { io: 'input' });
    await output.result({ title: 'rules.yaml of facet', ...schema }, each => JSON.stringify(each, null, 2));
  },
});
