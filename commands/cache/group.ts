/** `facet cache …`: the contents that are kept on this machine. */
import { entry, group } from '../command.js';

export default group({
  commands: {
    status: entry('what is cached, and how much room it takes', () => import('./status.js')),
  },
});
