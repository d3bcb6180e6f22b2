/** One call of a command: its words and options, and how it writes. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { type GlobalOptions, globalOptions } from './options.ts';
import type { Simulation } from './simulation.ts';
import { createPaint, type Paint, wantsColor } from './view/color.ts';

export interface Call {
  context: CliContext;
  globals: GlobalOptions;
  /** The command's own words. */
  words: readonly string[];
  /** For stdout. */
  paint: Paint;
  /** The command's own options; the shape is what the command declared. */
  options<T extends object>(): T;
  /** Present when the state is a simulated world's. */
  simulation?: Simulation;
  /** The time by which statuses and events are dated; the clock's own, unless it is simulated. */
  now(): number;
  /** The whole command tree, for completion. */
  root: Command;
  /** Lines on stdout. */
  print(...lines: string[]): void;
  /** A remark on stderr, such as that a status is old. */
  note(text: string): void;
}

export async function createCall(given: CliContext, command: Command): Promise<Call> {
  const globals = globalOptions(command, given);
  // A state that cannot be read is the fault of whatever needs it.
  const simulation = await given.openSimulation(globals.state).catch(() => undefined);
  // Nothing that is asked of a simulated world may reach a real one.
  const context = { ...given, ...simulation?.world };
  const { env, stdout, stderr } = context;
  const paint = createPaint(wantsColor({ isTTY: stdout.isTTY, env, flag: globals.color }));
  const paintNote = createPaint(wantsColor({ isTTY: stderr.isTTY, env, flag: globals.color }));
  return {
    context,
    globals,
    words: command.args,
    paint,
    options: <T extends object>() => command.opts<T>(),
    ...(simulation && { simulation }),
    now: () => simulation?.now() ?? context.clock.now(),
    root: rootOf(command),
    print: (...lines) => {
      for (const line of lines) stdout.write(`${line}\n`);
    },
    note: (text) => stderr.write(`${paintNote('note:', 'warn')} ${text}\n`),
  };
}

function rootOf(command: Command): Command {
  let root = command;
  while (root.parent !== null) root = root.parent;
  return root;
}
