/** The live panel of `facet mount`, drawn with ink. Loaded on a terminal only: ink and react take a third of a second. */
import { Box, type Instance, render, Text } from 'ink';
import type { MountStats } from '../../src/mount/mount.js';
import { formatCount, formatDuration } from '../format.js';
import { setLiveLine } from '../terminal.js';

/** What the panel shows. */
export interface View {
  mountpoint: string;
  /** Milliseconds since the tree was mounted. */
  age: number;
  stats: MountStats;
  /** Requests and reads of the last second. */
  requestsPerSecond: number;
  readsPerSecond: number;
  /** Newest first, such as `modified docs:work/a.txt`. */
  changes: string[];
}

export interface Panel {
  show(view: View): void;
  close(): void;
}

export function openPanel(first: View): Panel {
  let view = first;
  let ink = draw(view);
  // Ink cannot step aside for a line of somebody else's: it is ended, and begins anew below that line.
  const hide = () => {
    ink.clear();
    ink.unmount();
  };
  setLiveLine({
    hide,
    show: () => {
      ink = draw(view);
    },
  });
  return {
    show(next) {
      view = next;
      ink.rerender(<Figures {...view} />);
    },
    close() {
      setLiveLine(undefined);
      hide();
    },
  };
}

/** Signals are the command's own: ink would end the process at the first Ctrl-C. */
function draw(view: View): Instance {
  return render(<Figures {...view} />, { exitOnCtrlC: false, patchConsole: false });
}

function Figures({ mountpoint, age, stats, requestsPerSecond, readsPerSecond, changes }: View) {
  return (
    <Box flexDirection="column" borderStyle="round" paddingX={1}>
      <Text bold wrap="truncate-middle">
        {mountpoint}
      </Text>
      <Text dimColor>{`mounted for ${formatDuration(age)}; Ctrl-C unmounts`}</Text>
      <Text>{`requests ${formatCount(requestsPerSecond)}/s   reads ${formatCount(readsPerSecond)}/s`}</Text>
      <Text>
        {`so far   ${formatCount(stats.requests)} requests, ${formatCount(stats.opens)} opens, ${formatCount(stats.reads)} reads`}
      </Text>
      {changes.map(change => (
        <Text key={change} dimColor wrap="truncate-middle">
          {change}
        </Text>
      ))}
    </Box>
  );
}
