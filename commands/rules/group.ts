/** `facet rules …`: how the tree is arranged. */
import { entry, group } from '../command.js';

export default group({
  description:
    'Arranges the tree by rules. They are written in rules.yaml, which facet-rules(5) describes; nothing changes until they are applied.',
  commands: {
    init: entry('begin with a rules.yaml to edit', () => import('./init.js')),
    edit: entry('open rules.yaml in an editor, and check it', () => import('./edit.js')),
    check: entry(
      'say what is wrong with rules.yaml, and what is probably not meant',
      () => import('./check.js'),
    ),
    plan: entry('show what applying rules.yaml would change', () => import('./plan.js')),
    tree: entry('show the tree that rules.yaml would give', () => import('./tree.js')),
    apply: entry('arrange the tree by rules.yaml', () => import('./apply.js')),
    explain: entry('say why a file is where it is, or why it is nowhere', () => import('./explain.js')),
    show: entry('print the rules in force', () => import('./show.js')),
    import: entry('make a rules.yaml of the rules of another program', () => import('./import.js')),
    schema: entry('print the JSON Schema of rules.yaml, for editors', () => import('./schema.js')),
  },
});
