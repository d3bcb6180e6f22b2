// From a byte stream to an authenticated ssh2 client: the only place where one is made.
// Here, and nowhere else, the host verifier is set: ssh2 accepts every host without one. All of it
// (TCP, key exchange, login) has one deadline, and every way to fail is a typed error. When it
// fails, the stream is destroyed: nothing stays behind.

import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2, { type Client } from 'ssh2';
import { bounded } from './bounded.ts';
import { type SshClock, systemClock } from './clock.ts';
import {
  SshAuthFailed,
  SshCancelled,
  SshError,
  type SshPhase,
  SshProtocolAbused,
  SshTimeout,
  SshUnreachable,
} from './error.ts';
import { hostKeyAlgorithms, judgeHostKey, type PinnedHost } from './host-key.ts';
import { type Identity, type ReadyIdentity, readyIdentity } from './identity.ts';
import { TrafficGuard } from './traffic-guard.ts';

export interface SshEndpoint {
  host: string;
  port: number;
  user: string;
  name?: string; // what errors call it; the host by default
}

export interface HandshakeOptions {
  endpoint: SshEndpoint;
  identity: Identity;
  pin: PinnedHost;
  stream?: Duplex; // a connection to the server that is there already; TCP to the endpoint if absent
  timeoutMs?: number;
  keepaliveMs?: number;
  signal?: AbortSignal;
  clock?: SshClock;
}

export interface Authenticated {
  client: Client;
  stream: Duplex;
  guard: TrafficGuard;
}

export const HANDSHAKE_TIMEOUT_MS = 20_000;
const KEEPALIVE_MS = 5_000;
const KEEPALIVES_UNANSWERED = 3;

interface Progress {
  phase: SshPhase;
  stream: Duplex | undefined;
}

export async function handshake(options: HandshakeOptions): Promise<Authenticated> {
  const { endpoint, signal } = options;
  const clock = options.clock ?? systemClock;
  const name = endpoint.name ?? endpoint.host;
  const timeoutMs = options.timeoutMs ?? HANDSHAKE_TIMEOUT_MS;
  const began = clock.now();
  const progress: Progress = { phase: 'connect', stream: options.stream };
  const bounds = () => ({
    clock,
    timeoutMs: timeoutMs - (clock.now() - began),
    signal,
    onTimeout: () => new SshTimeout(name, progress.phase, timeoutMs),
    onAbort: (reason: unknown) => new SshCancelled(name, 'not-started', reason),
  });
  try {
    const identity = await readyIdentity(options.identity, name, bounds());
    return await bounded<Authenticated>(bounds(), (resolve, reject) => {
      progress.stream ??= connectTcp({
        host: endpoint.host,
        port: endpoint.port,
        noDelay: true, // RPC is made of small messages that someone waits for
      });
      authenticate(progress.stream, options, { clock, identity, name, progress }, resolve, reject);
    });
  } catch (error) {
    progress.stream?.on('error', () => {});
    progress.stream?.destroy();
    throw error;
  }
}

interface Context {
  clock: SshClock;
  identity: ReadyIdentity;
  name: string;
  progress: Progress;
}

function authenticate(
  stream: Duplex,
  options: HandshakeOptions,
  context: Context,
  resolve: (value: Authenticated) => void,
  reject: (error: SshError) => void,
): void {
  const { endpoint, pin } = options;
  const { identity, name, progress } = context;
  const client = new ssh2.Client();
  const guard = new TrafficGuard(context.clock);
  let verdict: SshError | undefined;
  const fail = (error?: unknown) => reject(verdict ?? explain(error, endpoint, context));
  client.on('error', fail);
  client.on('close', () => fail());
  client.on('end', () => fail());
  client.on('connect', () => {
    progress.phase = 'handshake';
  });
  client.on('handshake', () => {
    progress.phase = 'auth';
  });
  client.on('ready', () => resolve({ client, stream, guard }));
  client.connect({
    sock: stream as never, // typed as Readable, but it must be writable too
    username: endpoint.user,
    authHandler: identity.methods(endpoint.user),
    hostVerifier: (blob: Buffer) => {
      verdict = judged(() => judgeHostKey(blob, pin, { ...endpoint, name }));
      return verdict === undefined;
    },
    algorithms: { serverHostKey: hostKeyAlgorithms(pin.keys), compress: ['none'] },
    strictVendor: false, // a server that lacks a channel type says so itself
    readyTimeout: 0, // the deadline of this function covers more
    keepaliveInterval: options.keepaliveMs ?? KEEPALIVE_MS,
    keepaliveCountMax: KEEPALIVES_UNANSWERED,
  });
  // After connect(), which pauses the stream: a listener before it would start the flow too early.
  stream.on('data', (chunk: Buffer) => {
    const abuse = guard.received(chunk.length, stream.writableLength);
    if (abuse === undefined) return;
    verdict ??= new SshProtocolAbused(name, abuse);
    stream.destroy(verdict);
  });
}

function judged(judge: () => SshError | undefined): SshError | undefined {
  try {
    return judge();
  } catch (error) {
    if (error instanceof SshError) return error;
    throw error;
  }
}

function explain(error: unknown, endpoint: SshEndpoint, context: Context): SshError {
  const { identity, name, progress } = context;
  if (error instanceof SshError) return error;
  const reason = error instanceof Error ? error.message : 'the server closed the connection';
  // In the login ssh2 tells of a refusal by its level, and a server of "too many attempts" by a
  // numeric code; a socket that breaks has a code that is a word.
  const fields = error as { level?: unknown; code?: unknown } | undefined;
  const refused = fields?.level === 'client-authentication' || typeof fields?.code === 'number';
  if (progress.phase === 'auth' && refused) {
    return new SshAuthFailed(name, endpoint.user, identity.offered, error);
  }
  return new SshUnreachable(name, `${reason} (${progress.phase})`, error);
}
