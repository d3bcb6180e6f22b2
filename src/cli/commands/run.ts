/** `run`: the controller in the foreground, until Ctrl-C or TERM, with its progress on stdout. */
import { type Command, Option } from 'commander';
import { logLevels } from '../../lib/log.ts';
import type { Call } from '../call.ts';
import type { LogLevel } from '../context.ts';
import { exitCodes } from '../exit-code.ts';
import type { Register } from '../program.ts';
import { createProgressView } from '../progress-view.ts';
import { isDirectory, missingDirectory } from '../world.ts';

export function addRun(root: Command, register: Register): void {
  const run = root
    .command('run')
    .description('Run the controller: keep clusters as the manifests of the directory say.')
    .addOption(
      new Option('--log-level <level>', 'of the log on stderr, or in the state directory')
        .choices(logLevels)
        .default('info'),
    );
  register(run, runController);
}

async function runController(call: Call): Promise<number> {
  const { context, globals } = call;
  const { logLevel } = call.options<{ logLevel: LogLevel }>();
  if (!(await isDirectory(globals.dir))) throw missingDirectory(globals.dir);
  // A log beside the live view on one terminal would tear it.
  const logToFile = context.stdout.isTTY && context.stderr.isTTY;
  const { dir, state } = globals;
  const controller = await context.startController(
    { dir, state, logLevel, logToFile },
    context.signal,
  );
  const view = createProgressView(context.stdout, context.clock, call.paint);
  view.print([`watching ${dir}, state in ${state}; Ctrl-C stops the controller, not the clusters`]);
  const unsubscribe = controller.onUpdate(view.update);
  try {
    await controller.done;
  } finally {
    unsubscribe();
    view.close();
  }
  return exitCodes.ok;
}
