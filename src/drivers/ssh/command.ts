// One script over one open session channel, from its first byte to the exit status.
// It ends by the channel's close, by the deadline or by the caller's signal, and keeps no more of
// the output than it was told. Only an exit status counts as an end: all else is "unknown".

import { type Bounds, bounded } from './bounded.ts';
import { SshOutcomeUnknown, SshShellRefused } from './error.ts';
import { MarkedOutput } from './output.ts';
import { printableTail } from './printable.ts';
import type { WrappedScript } from './script.ts';
import type { Exit, Session } from './session.ts';

export interface CommandResult extends Exit {
  stdout: string;
  stderr: string;
  truncated: boolean;
}

export interface CommandContext {
  name: string; // of the machine, for errors
  user: string;
  maxOutputBytes: number;
  bounds: Bounds;
  delivered: (bytes: number) => void;
  lost: () => Error | undefined; // why the connection is gone, if it is
}

// How long output may stay silent after the exit status before the channel is given up: a
// process left in the background keeps a channel open for as long as it lives.
const QUIET_AFTER_EXIT_MS = 2_000;
const TAIL_CHARACTERS = 500;

export async function runScript(
  session: Session,
  script: WrappedScript,
  context: CommandContext,
): Promise<CommandResult> {
  const stdout = new MarkedOutput(script.marker, context.maxOutputBytes);
  const stderr = new MarkedOutput(script.marker, context.maxOutputBytes);
  const exit = await awaitExit(session, script, context, { stdout, stderr });
  const kept = { stdout: stdout.kept(), stderr: stderr.kept() };
  if (exit === undefined) {
    const lost = context.lost();
    const reason = lost?.message ?? 'the server closed the channel';
    const tail = printableTail(kept.stderr.text, TAIL_CHARACTERS);
    throw new SshOutcomeUnknown(context.name, reason, tail, lost);
  }
  if (!stdout.started) {
    const output = printableTail(`${stdout.noise}\n${stderr.noise}`, TAIL_CHARACTERS);
    throw new SshShellRefused(context.name, context.user, { exitCode: exit.exitCode, output });
  }
  return {
    ...exit,
    stdout: kept.stdout.text,
    stderr: kept.stderr.text,
    truncated: kept.stdout.truncated || kept.stderr.truncated,
  };
}

async function awaitExit(
  session: Session,
  script: WrappedScript,
  context: CommandContext,
  output: { stdout: MarkedOutput; stderr: MarkedOutput },
): Promise<Exit | undefined> {
  const { channel } = session;
  const { clock } = context.bounds;
  let cancelQuiet = () => {};
  try {
    return await bounded<Exit | undefined>(context.bounds, (resolve) => {
      const waitForQuiet = () => {
        if (session.exit === undefined) return;
        cancelQuiet();
        cancelQuiet = clock.after(QUIET_AFTER_EXIT_MS, () => resolve(session.exit));
      };
      const take = (into: MarkedOutput) => (chunk: Buffer) => {
        context.delivered(chunk.length);
        into.add(chunk);
        waitForQuiet();
      };
      channel.on('data', take(output.stdout));
      channel.stderr.on('data', take(output.stderr));
      channel.on('error', () => {}); // what matters is the close that follows
      channel.on('exit', waitForQuiet);
      channel.on('close', () => resolve(session.exit));
      waitForQuiet();
      channel.end(script.text);
    });
  } finally {
    cancelQuiet();
  }
}
