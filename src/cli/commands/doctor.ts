/** `doctor`: what this machine and its hosts allow, what is missing, and how to mend it. */
import type { Command } from 'commander';
import { oneLine } from '../../lib/printable.ts';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import type { Check, CheckStatus } from '../doctor/check.ts';
import { examine } from '../doctor/examine.ts';
import { exitCodes } from '../exit-code.ts';
import { type OutputFormat, outputOption } from '../output.ts';
import type { Register } from '../program.ts';
import type { Tone } from '../view/color.ts';
import { renderTable } from '../view/table.ts';

const tones: Record<CheckStatus, Tone> = { ok: 'good', warn: 'warn', fail: 'bad' };

export function addDoctor(root: Command, register: Register): void {
  const doctor = root
    .command('doctor')
    .description('Check this machine and its hosts, and say how to mend what is missing.')
    .addOption(outputOption(['json']));
  register(doctor, runDoctor);
}

async function runDoctor(call: Call): Promise<number> {
  const { context } = call;
  const checks = await examine(await context.doctor(call.globals), context.clock, context.signal);
  if (context.signal.aborted) throw new CliError('interrupted', 'interrupted', '');
  if (call.options<{ output?: OutputFormat }>().output === 'json') {
    call.print(JSON.stringify(checks, undefined, 2));
  } else {
    printChecks(call, checks);
  }
  const failed = checks.filter(({ status }) => status === 'fail');
  const [first] = failed;
  if (first === undefined) return exitCodes.ok;
  const count = failed.length === 1 ? '1 check' : `${failed.length} checks`;
  throw new CliError(
    'failed',
    `${count} failed, first ${first.name}: ${first.detail}`,
    first.mend ?? '',
  );
}

function printChecks(call: Call, checks: readonly Check[]): void {
  const rows = checks.map(({ name, status, detail }) => [
    name,
    { text: status, tone: tones[status] },
    detail,
  ]);
  call.print(...renderTable(['CHECK', 'STATUS', 'DETAIL'], rows, { paint: call.paint }));
  const mends = checks.flatMap(({ name, mend }) => (mend === undefined ? [] : [{ name, mend }]));
  if (mends.length === 0) return;
  call.print('', 'To mend:');
  for (const { name, mend } of mends) call.print(`  # ${name}`, `  ${oneLine(mend)}`);
}
