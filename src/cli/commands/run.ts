/** `run`: the controller in the foreground, until Ctrl-C or TERM, with its progress on stdout. */
import { type Command, Option } from 'commander';
import type { Clock } from '../../lib/clock.ts';
import { logLevels } from '../../lib/log.ts';
import type { Call } from '../call.ts';
import type { LogLevel } from '../context.ts';
import { exitCodes } from '../exit-code.ts';
import { wholeOption } from '../options.ts';
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
    )
    .option(
      '--simulated',
      'on a world in this process: no libvirt, no VM; `simulate` makes trouble',
    )
    .addOption(
      new Option('--speed <factor>', 'of the time of a simulated world')
        .argParser(wholeOption(1, 10_000))
        .default(60),
    );
  register(run, runController);
}

interface RunFlags {
  logLevel: LogLevel;
  simulated?: true;
  speed: number;
}

async function runController(call: Call): Promise<number> {
  const { context, globals } = call;
  const { logLevel, simulated, speed } = call.options<RunFlags>();
  if (!(await isDirectory(globals.dir))) throw missingDirectory(globals.dir);
  // A log beside the live view on one terminal would tear it.
  const logToFile = context.stdout.isTTY && context.stderr.isTTY;
  const { dir, state } = globals;
  const controller = await context.startController(
    { dir, state, logLevel, logToFile, ...(simulated && { simulated: { speed } }) },
    context.signal,
  );
  const world = controller.simulated;
  // Drawn in real time, with the times of the statuses.
  const clock: Clock = {
    now: () => world?.now() ?? context.clock.now(),
    after: (milliseconds, callback) => context.clock.after(milliseconds, callback),
  };
  const heading = world && `SIMULATED, at ${world.speed} times real speed: no VM is real`;
  const view = createProgressView(context.stdout, clock, call.paint, heading);
  if (!context.stdout.isTTY && heading !== undefined) view.print([heading]);
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
