/**
 * The lab by hand: start a private libvirt that stays, run commands inside of it, end it.
 * Each lab has a name and a folder in the user's cache, where its pool is kept between runs.
 */

import { constants } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { attachLab } from './lab.ts';
import { LabError } from './lab-error.ts';
import { requireLabRights } from './privileges.ts';
import { startLab, userCache } from './start.ts';

const USAGE = `usage: node lab/cli.ts [--name NAME] start [--no-kvm]
       node lab/cli.ts [--name NAME] exec -- COMMAND...
       node lab/cli.ts [--name NAME] stop
`;

async function main(argv: readonly string[]): Promise<number> {
  const split = argv.indexOf('--');
  const command = split < 0 ? [] : argv.slice(split + 1);
  const { values, positionals } = parseArgs({
    args: split < 0 ? [...argv] : argv.slice(0, split),
    allowPositionals: true,
    options: {
      name: { type: 'string', default: 'default' },
      'no-kvm': { type: 'boolean', default: false },
    },
  });
  const dir = join(userCache(), 'labs', values.name);
  switch (positionals[0]) {
    case 'start':
      return start(dir, values['no-kvm']);
    case 'exec':
      return exec(dir, command);
    case 'stop':
      requireLabRights();
      await attachLab(dir).stop();
      return 0;
    default:
      process.stderr.write(USAGE);
      return 2;
  }
}

async function start(dir: string, noKvm: boolean): Promise<number> {
  const lab = await startLab({ dir, detached: true, kvm: noKvm ? 'off' : 'auto' });
  process.stdout.write(`pid     ${lab.pid}\nsocket  ${lab.socket}\n`);
  process.stdout.write(`kvm     ${lab.kvm ? 'yes' : `no (${lab.kvmReason})`}\n`);
  process.stdout.write(`URI     qemu+unix:///system?socket=${lab.socket}\n`);
  return 0;
}

function exec(dir: string, command: readonly string[]): Promise<number> {
  requireLabRights();
  const lab = attachLab(dir);
  if (!lab.isAlive()) throw new LabError('NOT_RUNNING', `The lab on ${dir} has ended`, { dir });
  const shell = process.env.SHELL ?? 'sh';
  const child = lab.spawn(command.length === 0 ? [shell] : command, { stdio: 'inherit' });
  // Ctrl-C reaches the program by the terminal; this process only waits for its end.
  process.on('SIGINT', () => {});
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
