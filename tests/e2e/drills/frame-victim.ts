/**
 * The client under fire, in a process of its own, so that its memory is its own: it connects as
 * often as it is told, asks, and counts how its calls and its connections ended. Only typed errors
 * may come of it; anything else ends the process, and the drill sees that.
 */
import { readFileSync } from 'node:fs';
import { connect } from '../../../src/libvirt/connection.ts';
import { dialUnix } from '../../../src/libvirt/dial.ts';
import { ConnectionLost, LibvirtError, ProtocolError } from '../../../src/libvirt/error.ts';

export interface Toll {
  /** Connections on which everything before the last frame was survived. */
  survived: number;
  /** Ends of connections by reason, and of calls by class of error. */
  ends: Record<string, number>;
  calls: Record<string, number>;
  anomalies: number;
  /** Growth of the largest resident size since the first polite connection, in bytes. */
  grownBytes: number;
}

const [socket = '', connections = '0', listsAtOnce = '0'] = process.argv.slice(2);
const toll: Toll = { survived: 0, ends: {}, calls: {}, anomalies: 0, grownBytes: 0 };

function residentBytes(): number {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

function nameOf(error: unknown): string {
  if (error instanceof ConnectionLost) return 'ConnectionLost';
  if (error instanceof ProtocolError) return 'ProtocolError';
  if (error instanceof LibvirtError) return 'LibvirtError';
  throw new Error('an error without a type', { cause: error });
}

function add(counts: Record<string, number>, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

async function* fewBytes(): AsyncGenerator<Buffer> {
  yield Buffer.alloc(64);
}

async function underFire(): Promise<void> {
  const connection = await connect({
    dial: dialUnix(socket),
    name: 'fake:///',
    onAnomaly: (error) => {
      nameOf(error);
      toll.anomalies += 1;
    },
  });
  const watched = (call: Promise<unknown>): Promise<void> =>
    call.then(
      () => add(toll.calls, 'answered'),
      (error: unknown) => add(toll.calls, nameOf(error)),
    );
  const volume = { pool: 'p', name: 'v' };
  const calls = [watched(connection.volumes.upload(volume, fewBytes(), { length: 64 }))];
  for (let call = 0; call < Number(listsAtOnce); call += 1) {
    calls.push(watched(connection.domains.list()));
  }
  await connection.host.hostname().then(
    () => {
      toll.survived += 1;
    },
    (error: unknown) => add(toll.calls, nameOf(error)),
  );
  add(toll.ends, (await connection.closed).reason);
  await Promise.all(calls);
}

const polite = await connect({ dial: dialUnix(socket), name: 'polite:///' });
await polite.host.hostname();
polite.close();
const before = residentBytes();
for (let done = 0; done < Number(connections); done += 1) await underFire();
toll.grownBytes = residentBytes() - before;
process.send?.(toll);
process.disconnect?.();
