/** `plan`: what the controller would do now, and why; exit code 2: something. Changes nothing. */
import type { Command } from 'commander';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-code.ts';
import { clusterName } from '../object-name.ts';
import { type OutputFormat, outputOption } from '../output.ts';
import type { Register } from '../program.ts';
import { planFaults, planHasChanges, planText } from '../view/plan-text.ts';
import { printYaml } from '../view/yaml.ts';
import { isDirectory, missingDirectory, notFound } from '../world.ts';

export function addPlan(root: Command, register: Register): void {
  const plan = root
    .command('plan')
    .description('Show what would be done and why; exit code 2 when there is something.')
    .argument('[cluster]', 'only this one')
    .addOption(outputOption(['json', 'yaml']));
  register(plan, runPlan);
}

async function runPlan(call: Call): Promise<number> {
  const { dir, state, namespace } = call.globals;
  const { output } = call.options<{ output?: OutputFormat }>();
  const [cluster] = call.words.map(clusterName);
  if (!(await isDirectory(dir))) throw missingDirectory(dir);
  const report = await call.context.planOnce(
    { dir, state, namespace, ...(cluster === undefined ? {} : { cluster }) },
    call.context.signal,
  );
  if (cluster !== undefined && report.clusters.length === 0 && report.faults.length === 0) {
    throw notFound(`cluster/${cluster}`, namespace, 'benchctl get clusters -A');
  }
  if (output === 'json') call.print(JSON.stringify(report, undefined, 2));
  else if (output === 'yaml') call.context.stdout.write(printYaml(report));
  else call.print(...planText(report, call.paint));
  const faults = planFaults(report);
  if (faults.length > 0) {
    for (const fault of faults) call.note(fault);
    const what = 'what has faults is not followed; the last good version of it stays in force';
    const first =
      report.faults.length > 0 ? 'mend the files above' : `see that ${dir} holds its manifests`;
    throw new CliError('invalidManifests', what, `${first}, then: benchctl plan`);
  }
  return planHasChanges(report) ? exitCodes.planHasChanges : exitCodes.ok;
}
