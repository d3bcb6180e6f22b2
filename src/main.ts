/**
 * The entry: the only file that reads argv, environment and signals, and that sets the exit code.
 * It builds what the commands need and hands it over as one `CliContext`; drivers are loaded when a
 * command asks for them, so that help and completion start fast.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import type { WriteStream } from 'node:tty';
import type { CliContext, Terminal } from './cli/context.ts';
import { exitCodes } from './cli/exit-code.ts';
import { runCli } from './cli/program.ts';
import { systemClock } from './lib/clock.ts';
import { wiredContext } from './wiring/context.ts';

function terminal(stream: WriteStream): Terminal {
  return {
    write: (chunk) => void stream.write(chunk),
    isTTY: stream.isTTY === true,
    size: () => ({ columns: stream.columns ?? 80, rows: stream.rows ?? 24 }),
  };
}

function packageVersion(): string {
  const path = new URL('../package.json', import.meta.url);
  const parsed: { version?: string } = JSON.parse(readFileSync(path, 'utf8'));
  return parsed.version ?? 'unknown';
}

/** Aborts at the first signal; a second one ends the process as if none were handled. */
function signalOf(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => controller.abort());
  }
  return controller.signal;
}

/** On stderr, so that a pipe on stdout gets no question. */
async function ask(question: string, signal: AbortSignal): Promise<string | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // The terminal is in raw mode meanwhile, so Ctrl-C comes as a key.
  lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    return await lines.question(question, { signal });
  } finally {
    lines.close();
  }
}

// A reader that went away, such as `head`, ends the output and is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`error: the output cannot be written: ${error.message}\n`);
  process.stderr.write('next:  df -h, where the output goes; then run the command again\n');
  process.exit(exitCodes.failed);
});

const context: CliContext = {
  stdout: terminal(process.stdout),
  stderr: terminal(process.stderr),
  readStdin: () => text(process.stdin),
  ask: (question) => ask(question, context.signal),
  env: process.env,
  home: homedir(),
  clock: systemClock,
  signal: signalOf(),
  version: { benchctl: packageVersion(), node: process.versions.node },
  ...wiredContext(process.env),
};

process.exitCode = await runCli(process.argv.slice(2), context);
