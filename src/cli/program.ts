/**
 * The command tree, and one run of it: argv in, exit code out.
 * Commands return their exit code or throw; errors are printed here and nowhere else, one line
 * what and one line what next. `completion` is generated from the same tree.
 */
import { Command, CommanderError } from 'commander';
import { oneLine } from '../lib/printable.ts';
import { type Call, createCall } from './call.ts';
import { CliError, toCliError } from './cli-error.ts';
import { addAnnotate } from './commands/annotate.ts';
import { addApply } from './commands/apply.ts';
import { addCompletion } from './commands/completion.ts';
import { addConfirm } from './commands/confirm.ts';
import { addDelete } from './commands/delete.ts';
import { addDescribe } from './commands/describe.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEvents } from './commands/events.ts';
import { addGet } from './commands/get.ts';
import { addImage } from './commands/image.ts';
import { addLogs } from './commands/logs.ts';
import { addPlan } from './commands/plan.ts';
import { addRun } from './commands/run.ts';
import { addSimulate } from './commands/simulate.ts';
import { addSsh } from './commands/ssh.ts';
import { addVersion } from './commands/version.ts';
import { addWait } from './commands/wait.ts';
import type { CliContext } from './context.ts';
import { exitCodeHelp, exitCodes } from './exit-code.ts';
import { addGlobalOptions } from './options.ts';
import { noteSimulation } from './simulation-note.ts';
import { createPaint, wantsColor } from './view/color.ts';

export type Handler = (call: Call) => Promise<number>;

/** Makes the handler a command's action; part of each `add…`. */
export type Register = (command: Command, handler: Handler) => Command;

export interface Program {
  root: Command;
  /** Exit code of the command that ran. */
  exitCode(): number;
}

export function buildProgram(context: CliContext): Program {
  let exitCode: number = exitCodes.ok;
  const root = new Command('benchctl')
    .description('Benchmark clusters on libvirt hosts, kept as their manifests say.')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: () => {},
      getOutHelpWidth: () => context.stdout.size().columns,
      getErrHelpWidth: () => context.stderr.size().columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText('after', exitCodeHelp());
  addGlobalOptions(root);
  const register: Register = (command, handler) => {
    addGlobalOptions(command);
    return command.action(async () => {
      const call = await createCall(context, command);
      noteSimulation(call, command.name());
      exitCode = await handler(call);
    });
  };
  for (const add of allCommands) add(root, register);
  return { root, exitCode: () => exitCode };
}

const allCommands = [
  addRun,
  addApply,
  addDelete,
  addAnnotate,
  addConfirm,
  addPlan,
  addGet,
  addDescribe,
  addWait,
  addSsh,
  addLogs,
  addEvents,
  addDoctor,
  addImage,
  addSimulate,
  addCompletion,
  addVersion,
];

/** `argv` without node and script. Never throws for what a user did. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  const program = buildProgram(context);
  try {
    await program.root.parseAsync([...argv], { from: 'user' });
    return program.exitCode();
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return exitCodes.ok;
    const error =
      thrown instanceof CommanderError
        ? usageError(thrown, argv, program.root)
        : toCliError(thrown);
    if (error.code === 'interrupted' && context.signal.aborted) return error.exitCode;
    const flag = !argv.includes('--no-color');
    const paint = createPaint(wantsColor({ isTTY: context.stderr.isTTY, env: context.env, flag }));
    context.stderr.write(`${paint('error:', 'bad')} ${oneLine(error.message)}\n`);
    if (error.next !== '')
      context.stderr.write(`${paint('next:', 'dim')}  ${oneLine(error.next)}\n`);
    return error.exitCode;
  }
}

function usageError(thrown: CommanderError, argv: readonly string[], root: Command): CliError {
  // commander says nothing of its own when a group such as `image` is called alone.
  const bare = thrown.code === 'commander.help';
  const what = bare ? 'no command was given' : thrown.message.replace(/^error: /, '');
  const command = root.commands.find((known) => argv.includes(known.name()))?.name();
  const next = command === undefined ? 'benchctl --help' : `benchctl ${command} --help`;
  return new CliError('usage', what, next, { cause: thrown });
}
