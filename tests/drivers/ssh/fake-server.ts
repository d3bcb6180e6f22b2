// An SSH server in the test process, made of ssh2's own server, that a test can make misbehave.
// Left alone it is well-behaved: it accepts every key and runs commands in the real /bin/sh.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import ssh2, {
  type AuthContext,
  type Connection,
  type ExecInfo,
  type ServerChannel,
  type Session,
  type SessionAcceptReject,
} from 'ssh2';
import { type ConnectionOptions, SshConnection } from '../../../src/drivers/ssh/connection.ts';
import { SshError } from '../../../src/drivers/ssh/error.ts';
import { generateEd25519, type KeyPair, parsePublicKey } from '../../../src/drivers/ssh/keys.ts';

export const clientKey: KeyPair = generateEd25519('client');

export interface FakeServer {
  port: number;
  hostKey: KeyPair;
  clients: Connection[];
  sockets: Set<Socket>;
  commands: string[];
  authAttempts: number;
  close(): Promise<void>;
}

export interface FakeServerOptions {
  hostKey?: KeyPair;
  onAuth?: (context: AuthContext) => void;
  onExec?: (open: () => ServerChannel, info: ExecInfo, reject: () => void) => void;
  onSession?: (accept: () => Session, reject: () => void) => void;
  onClient?: (client: Connection) => void;
}

export async function startFakeServer(options: FakeServerOptions = {}): Promise<FakeServer> {
  const hostKey = options.hostKey ?? generateEd25519('host');
  const sockets = new Set<Socket>();
  const server = new ssh2.Server({ hostKeys: [hostKey.privateKey] });
  const fake: FakeServer = {
    port: 0,
    hostKey,
    clients: [],
    sockets,
    commands: [],
    authAttempts: 0,
    close: () => closeServer(server as unknown as NetServer, sockets),
  };
  server.on('connection', (client) => {
    fake.clients.push(client);
    client.on('error', () => {});
    client.on('authentication', (context) => {
      fake.authAttempts += 1;
      if (options.onAuth) options.onAuth(context);
      else context.accept();
    });
    client.on('session', (accept, reject) => {
      const onSession = options.onSession ?? ((open) => open());
      onSession(() => answerSession(accept(), fake, options), reject);
    });
    options.onClient?.(client);
  });
  (server as unknown as { _srv: NetServer })._srv.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  fake.port = (server.address() as AddressInfo).port;
  return fake;
}

function answerSession(session: Session, fake: FakeServer, options: FakeServerOptions): Session {
  session.on('exec', (accept: SessionAcceptReject, reject: SessionAcceptReject, info: ExecInfo) => {
    fake.commands.push(info.command);
    const open = accept as unknown as () => ServerChannel;
    const onExec = options.onExec ?? ((go) => runInShell(go(), info.command));
    onExec(open, info, () => reject());
  });
  return session;
}

// As sshd does it: the login shell runs the command line.
export function runInShell(channel: ServerChannel, command: string): void {
  const child = spawn('/bin/bash', ['-c', command], { stdio: 'pipe', detached: true });
  const killAll = () => {
    // The whole process group: what the script started holds our pipes open too.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  channel.on('error', () => {});
  child.stdin.on('error', () => {});
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  channel.on('close', killAll);
  child.on('close', (code, signal) => {
    if (code === null) channel.exit((signal ?? 'SIGKILL').replace('SIG', ''), false, '');
    else channel.exit(code);
    channel.end();
  });
}

export async function startRawServer(
  onSocket: (socket: Socket) => void,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, close: () => closeServer(server, sockets) };
}

function closeServer(server: NetServer, sockets: Set<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}

export function connectOptions(
  server: { port: number; hostKey?: KeyPair },
  extra: Partial<ConnectionOptions> = {},
): ConnectionOptions {
  const keys = server.hostKey === undefined ? [] : [parsePublicKey(server.hostKey.publicKey)];
  return {
    endpoint: { host: '127.0.0.1', port: server.port, user: 'bench', name: 'fake' },
    identity: { kind: 'key', privateKey: clientKey.privateKey, name: 'the test key' },
    pin: { keys, revoked: [] },
    timeoutMs: 5_000,
    ...extra,
  };
}

// The command channel of a script that is answered by hand: waits for the marker in its text.
export function onScript(channel: ServerChannel, answer: (marker: string) => void): void {
  let text = '';
  channel.on('data', (chunk: Buffer) => {
    if (text.includes('\n}')) return;
    text += chunk.toString();
    const marker = /benchcluster-run-[0-9a-f]{16}/.exec(text)?.[0];
    if (marker !== undefined && text.includes('\n}')) answer(`${marker}\n`);
  });
}

export async function rejected(options: ConnectionOptions): Promise<SshError> {
  try {
    await (await SshConnection.connect(options)).close();
  } catch (error) {
    assert.ok(error instanceof SshError, String(error));
    return error;
  }
  return assert.fail('it connected');
}
