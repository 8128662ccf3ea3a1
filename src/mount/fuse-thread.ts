/**
 * The FUSE thread: blocks on the device and answers each request itself. It never waits for the network or for another
 * thread, and nobody may wait for it but the kernel.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../errors.js';
import type { MappedFolder } from '../volume/mapped-folders.js';
import { Volume } from '../volume/volume.js';
import { AccessRing } from './access-ring.js';
import type { Ownership } from './attributes.js';
import { Dispatch } from './dispatch.js';
import { deviceChannel } from './kernel/device.js';
import type { Negotiated } from './kernel/handlers.js';
import type { SessionState } from './kernel/operations.js';
import { createSession } from './kernel/session.js';
import type { StopSwitch } from './kernel/stop.js';
import { OpenFileTable } from './open-file-table.js';
import type { CacheSettings, RemoteMessage } from './remote-files.js';
import type { Version } from './sightings.js';

export interface FuseThreadData {
  device: number;
  catalogFile: string;
  /** Nothing below it is ever opened. */
  mountpoint: string;
  owner: Ownership;
  /** Bytes that the kernel asks for at once, and reads ahead. */
  maxRead: number;
  passthrough: boolean;
  stopSwitch: StopSwitch;
  /** See `OpenFileTable`. */
  openFiles: SharedArrayBuffer;
  /** See `AccessRing`. */
  accesses: SharedArrayBuffer;
  cache: CacheSettings;
  mounts: readonly MappedFolder[];
  /** Requests by opcode, counted for the main thread to read. */
  requests: Float64Array;
}

/** A version of a file that was met while the catalog still had another. */
export interface Sighted {
  ino: number;
  seen: Version;
  known: Version;
}

export type FuseThreadMessage =
  | { kind: 'ready'; negotiated: Negotiated }
  | ({ kind: 'sighting' } & Sighted)
  | RemoteMessage
  | { kind: 'fault'; message: string; opcode: number }
  | { kind: 'ended'; state: SessionState };

function run(data: FuseThreadData, post: (message: FuseThreadMessage) => void): void {
  const volume = new Volume(data.catalogFile, data.mountpoint);
  const dispatch = new Dispatch(volume, {
    device: data.device,
    owner: data.owner,
    openFiles: new OpenFileTable(data.openFiles),
    accesses: new AccessRing(data.accesses),
    onSighting: sighted => post({ kind: 'sighting', ...sighted }),
    onReady: negotiated => post({ kind: 'ready', negotiated }),
    cache: data.cache,
    mounts: data.mounts,
    onRemote: post,
  });
  const session = createSession({
    handler: dispatch,
    maxRead: data.maxRead,
    maxReadahead: data.maxRead,
    wantPassthrough: data.passthrough,
    stop: data.stopSwitch,
    requests: data.requests,
    onFault: (error, opcode) => post({ kind: 'fault', message: errorMessage(error), opcode }),
  });
  const state = session.run(deviceChannel(data.device));
  dispatch.end();
  volume.close();
  post({ kind: 'ended', state });
}

if (parentPort) {
  const port = parentPort;
  run(workerData as FuseThreadData, message => port.postMessage(message));
}
