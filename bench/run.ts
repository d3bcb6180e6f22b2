/**
 * `npm run bench [name…]`: all benches, or those that are named, and one table of what came out.
 * Each makes a private lab of its own, one after another, so that none is beside another.
 * `--ready-rounds`, `--reaction-rounds`, `--rest-seconds` and `--call-rounds` say how often or how
 * long; `--steps` shows what happened when on the way to Ready.
 */
import { parseArgs } from 'node:util';
import { probeKvm } from '../lab/kvm.ts';
import { installPackages } from '../scripts/packages.ts';
import { type Row, tableOf } from './figures.ts';
import { loadText, machineText } from './machine.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'ready-rounds': { type: 'string', default: '2' },
    steps: { type: 'boolean', default: false },
    'reaction-rounds': { type: 'string', default: '100' },
    'rest-seconds': { type: 'string', default: '60' },
    'call-rounds': { type: 'string', default: '25' },
  },
});

/** Loaded only when asked for: each brings half the product with it. */
const benches: Record<string, () => Promise<Row[]>> = {
  'libvirt-calls': async () => {
    const { libvirtCalls } = await import('./libvirt-calls.ts');
    return libvirtCalls({ rounds: Number(values['call-rounds']) });
  },
  reaction: async () => {
    const { reaction } = await import('./reaction.ts');
    return reaction(Number(values['reaction-rounds']));
  },
  rest: async () => {
    const { rest } = await import('./rest.ts');
    return rest(Number(values['rest-seconds']));
  },
  scale: async () => {
    const { scale } = await import('./scale.ts');
    return scale();
  },
  'cluster-ready': async () => {
    const { clusterReady } = await import('./cluster-ready.ts');
    return clusterReady(Number(values['ready-rounds']), values.steps);
  },
};

async function main(): Promise<void> {
  const names = positionals.length > 0 ? positionals : Object.keys(benches);
  const unknown = names.filter((name) => benches[name] === undefined);
  if (unknown.length > 0) {
    throw new Error(`no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`);
  }
  await installPackages((text) => console.log(text));
  const kvm = await probeKvm();
  const how = kvm.usable ? 'KVM' : `software emulation (${kvm.reason})`;
  const rows: Row[] = [];
  for (const name of names) {
    console.log(`${name}, ${loadText()}`);
    rows.push(...((await benches[name]?.()) ?? []));
  }
  console.log(`\n${tableOf(rows)}\n\n${machineText()}; ${how}; ${loadText()} at the end`);
}

await main();
