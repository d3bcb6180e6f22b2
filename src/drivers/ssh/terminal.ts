// A person's session on a machine: a login shell or one command, with a terminal where there is one.
// Its streams are those of the channel as they are; nothing is bounded or made harmless here,
// because a person's own terminal is at the other end. It ends when the channel closes.

import type { Duplex, Readable } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { SshOutcomeUnknown } from './error.ts';
import type { Exit, Session } from './session.ts';

export interface TerminalSize {
  rows: number;
  columns: number;
}

export interface TerminalOptions {
  command?: string; // a login shell by default
  terminal?: { type: string; size: TerminalSize }; // none: plain pipes
  signal?: AbortSignal;
}

export interface Terminal {
  stream: Duplex; // standard input and output
  stderr: Readable; // silent when there is a terminal
  resize(size: TerminalSize): void;
  exit: Promise<Exit>;
}

export function terminalOn(session: Session, name: string): Terminal {
  const { channel } = session;
  const exit = new Promise<Exit>((resolve, reject) => {
    channel.once('close', () => {
      if (session.exit !== undefined) resolve(session.exit);
      else reject(new SshOutcomeUnknown(name, 'the connection was lost', ''));
    });
  });
  exit.catch(() => {}); // whoever asks for it later gets the rejection still
  channel.on('error', () => {}); // the close follows
  return {
    stream: channel,
    stderr: channel.stderr as unknown as Readable,
    resize: ({ rows, columns }) => channel.setWindow(rows, columns, 0, 0),
    exit,
  };
}

type Open = (error: Error | undefined, channel: ClientChannel) => void;

export function requestTerminal(
  client: {
    exec(command: string, options: object, done: Open): unknown;
    shell(window: object | false, done: Open): unknown;
  },
  options: TerminalOptions,
  done: Open,
): void {
  const { command, terminal } = options;
  const window = terminal && {
    term: terminal.type,
    rows: terminal.size.rows,
    cols: terminal.size.columns,
  };
  if (command === undefined) client.shell(window ?? false, done);
  else client.exec(command, window === undefined ? {} : { pty: window }, done);
}
