/** `version`. */
import type { Command } from 'commander';
import { apiVersion } from '../../crd/field.ts';
import { exitCodes } from '../exit-code.ts';
import { type OutputFormat, outputOption } from '../output.ts';
import type { Register } from '../program.ts';

export function addVersion(root: Command, register: Register): void {
  const version = root
    .command('version')
    .description('Show the versions of benchctl, its API and Node.')
    .addOption(outputOption(['json']));
  register(version, async (call) => {
    const { benchctl, node } = call.context.version;
    const json = call.options<{ output?: OutputFormat }>().output === 'json';
    call.print(
      json
        ? JSON.stringify({ benchctl, api: apiVersion, node })
        : `benchctl ${benchctl} (API ${apiVersion}, Node ${node})`,
    );
    return exitCodes.ok;
  });
}
