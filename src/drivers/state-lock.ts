/**
 * One controller per state directory. Each controller listens on a socket of its own in `run/`, and
 * holds the state if nobody answers on the others. The kernel closes a socket with its process, so
 * a lock is never left over, also across process and network namespaces. Each puts its socket there
 * before it asks, so of two that start together at most one goes on.
 */
import { randomBytes } from 'node:crypto';
import { chmod, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { hasCode } from '../lib/error.ts';
import { StateError } from './state-error.ts';
import { listState } from './state-files.ts';

const socketName = /^controller-(\d+)-[0-9a-f]{12}\.sock$/;
/** Of `sun_path` on Linux and macOS; a longer path cannot be bound. */
const longestSocketPath = 103;

export interface Holder {
  pid: number;
  /** When it took the lock, in ms since the epoch. */
  since: number;
}

/** Throws `locked`, naming the process, when another controller holds it. Returns the release. */
export async function takeLock(run: string): Promise<() => Promise<void>> {
  const name = `controller-${process.pid}-${randomBytes(6).toString('hex')}.sock`;
  const file = join(run, name);
  if (Buffer.byteLength(file) > longestSocketPath) {
    const reason = `is too long for a socket (at most ${longestSocketPath} bytes)`;
    throw new StateError('unwritable', { file, reason, hint: 'use a shorter state directory' });
  }
  const server = await listen(file);
  const release = async () => {
    await new Promise<void>((done) => server.close(() => done()));
    await rm(file, { force: true });
  };
  try {
    await chmod(file, 0o600);
    const holder = await findHolder(run, name);
    if (holder !== undefined) {
      const { pid } = holder;
      const reason = `another controller (pid ${pid}) runs on this state directory`;
      throw new StateError('locked', { file: run, reason, pid });
    }
  } catch (thrown) {
    await release();
    throw thrown;
  }
  return release;
}

/** The controller that runs; undefined when none does. Dead sockets are removed. */
export async function findHolder(run: string, own?: string): Promise<Holder | undefined> {
  for (const name of await listState(run)) {
    const pid = socketName.exec(name)?.[1];
    if (pid === undefined || name === own) continue;
    const since = await lockChangedAt(join(run, name));
    if (since && (await answers(join(run, name)))) {
      return { pid: Number(pid), since: since.getTime() };
    }
    // Only an owner that looks for the lock cleans up; a reader changes nothing.
    if (own !== undefined) await rm(join(run, name), { force: true });
  }
  return undefined;
}

/** When a lock was taken, of its socket; when one was last taken or given back, of their place. */
export async function lockChangedAt(path: string): Promise<Date | undefined> {
  try {
    return (await stat(path)).mtime;
  } catch (thrown) {
    if (hasCode(thrown, 'ENOENT')) return undefined;
    throw thrown;
  }
}

function listen(file: string): Promise<Server> {
  return new Promise((done, failed) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (cause) =>
      failed(new StateError('unwritable', { file, reason: 'cannot be bound', cause })),
    );
    server.listen(file, () => {
      server.unref();
      done(server);
    });
  });
}

/** Only a refusal proves that nobody is there; whatever else goes wrong counts as held. */
function answers(file: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(file);
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', (error) => {
      done(!hasCode(error, 'ECONNREFUSED') && !hasCode(error, 'ENOENT'));
    });
  });
}
