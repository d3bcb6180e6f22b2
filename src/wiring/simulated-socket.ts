/**
 * Question and answer between a command and the process of a simulated world: a line of JSON each,
 * over a unix socket in the state directory that only its owner may use.
 */
import { chmod, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { PortError, type PortErrorCode } from '../controllers/ports.ts';
import { toError } from '../lib/error.ts';

type Reply = { value: unknown } | { code: PortErrorCode; message: string; next?: string };

const longestLine = 8 * 2 ** 20;
const longestQuestion = 64 * 2 ** 10;

function socketOf(state: string): string {
  return join(state, 'run', 'simulation.sock');
}

/** Only for the one that holds the state: a socket that is there already is a dead one's. */
export async function serve(
  state: string,
  answer: (question: unknown) => Promise<unknown>,
): Promise<() => Promise<void>> {
  const file = socketOf(state);
  await rm(file, { force: true });
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    firstLine(socket, longestQuestion)
      .then(async (line) => reply(socket, await judged(line, answer)))
      .catch(() => socket.destroy());
  });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(file, done);
  });
  await chmod(file, 0o600);
  return async () => {
    const closed = new Promise<void>((done) => server.close(() => done()));
    for (const socket of open) socket.destroy();
    await closed;
    await rm(file, { force: true });
  };
}

/** Throws `PortError`: what the answer threw, or `unreachable` when nobody is there. */
export async function ask(state: string, question: unknown, signal: AbortSignal): Promise<unknown> {
  const socket = connect(socketOf(state));
  const abort = () => socket.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    socket.write(`${JSON.stringify(question)}\n`);
    const read: Reply = JSON.parse(await firstLine(socket, longestLine));
    if ('value' in read) return read.value;
    throw new PortError(read.code, read.message, { next: read.next });
  } catch (thrown) {
    if (signal.aborted) throw new PortError('cancelled', 'cancelled');
    if (thrown instanceof PortError) throw thrown;
    const next = 'benchctl run --simulated; with the same --state here and there';
    throw new PortError('unreachable', 'the simulated world does not run', { cause: thrown, next });
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

async function judged(line: string, answer: (question: unknown) => Promise<unknown>) {
  try {
    return { value: await answer(JSON.parse(line)) };
  } catch (thrown) {
    const { message } = toError(thrown);
    if (!(thrown instanceof PortError)) return { code: 'rejected' as const, message };
    const { code, next } = thrown;
    return { code, message, ...(next !== undefined && { next }) };
  }
}

function reply(socket: Socket, value: Reply): void {
  socket.end(`${JSON.stringify(value)}\n`);
}

function firstLine(socket: Socket, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const end = text.indexOf('\n');
      if (end !== -1) resolve(text.slice(0, end));
      else if (text.length > limit) reject(new Error('the line is too long'));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before the line ended')));
  });
}
