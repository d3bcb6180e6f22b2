/** What a controller asks of hosts and guests, and what a plan says of it, in the same words. */
import type { ClusterPlan } from '../../src/cli/plan-report.ts';
import { identity } from '../fakes/builders.ts';
import { uuidOfNode } from '../oracle/derived.ts';

/** Of an effect at the ports; nothing where it only writes the state. */
export function deedOf(effect: string): string[] {
  const [, node, script = ''] = /^guest (\S+) (.*)/.exec(effect) ?? [];
  if (node) return [`guest ${node} ${/^benchcluster-[^.\s]+/.exec(script)?.[0] ?? 'a command'}`];
  const isOnHost =
    /^(upload|(create|delete)Volume|define|start|resume|destroy|undefine|(create|remove)Network) /;
  return isOnHost.test(effect) ? [effect] : [];
}

const words: [said: RegExp, deed: (name: string, more: string) => string][] = [
  [/^upload image (\S+) to \S+$/, (name) => `upload ${name}`],
  [/^create network (\S+) \(\S+\)$/, (name) => `createNetwork ${name}`],
  [/^delete network (\S+)$/, (name) => `removeNetwork ${name}`],
  [/^create volume (\S+) on \S+$/, (name) => `createVolume ${name}`],
  [/^delete volume (\S+)$/, (name) => `deleteVolume ${name}`],
  [/^define domain (\S+)$/, (name) => `define ${name}`],
  [/^run unit (\S+) on (\S+)$/, (unit, node) => `guest ${node} ${unit}`],
  [/^run a command on (\S+)$/, (node) => `guest ${node} a command`],
];

/** Of the steps of a plan. */
export function stepsOf({ namespace, name, steps }: ClusterPlan): string[] {
  const uuidOf = (node: string) => uuidOfNode(identity.installation, `${namespace}/${name}`, node);
  return steps.map(({ action }) => {
    const [, change = '', domain] =
      /^(start|resume|power off|undefine) domain (\S+)$/.exec(action) ?? [];
    if (domain) return `${change.replace('power off', 'destroy')} ${uuidOf(domain)}`;
    for (const [said, deed] of words) {
      const found = said.exec(action);
      if (found) return deed(found[1] ?? '', found[2] ?? '');
    }
    throw new Error(`no such step: ${action}`);
  });
}

/**
 * Whether a plan tells people that the node will go, now or later: by its deletion or its edits. A
 * head is told of as one that stays as it is.
 */
export function names({ name, intent, changes }: ClusterPlan, node: string): boolean {
  if (!node.startsWith(`${name}-`)) return false;
  if (intent === 'delete') return true;
  const [pool = '', index] = node.slice(name.length + 1).split('-');
  const isOfImage = (path: string) => /^spec\.(image|workers\[.*\]\.image)$/.test(path);
  const own = changes.find(({ path }) => path === `spec.workers[${pool}].image`);
  const shared = changes.find(({ path }) => path === 'spec.image');
  // A pool's own image goes before that of the cluster.
  const isSameImage = own && shared && (own.from ?? shared.from) === (own.to ?? shared.to);
  return changes.some(({ path, effect, to }) => {
    if (pool === 'head' || path.startsWith('spec.controlPlane')) return false;
    if (isSameImage && isOfImage(path)) return false;
    const [, of = pool, field] = /^spec\.workers\[(.*?)\](?:\.(\w+))?$/.exec(path) ?? [];
    if (of !== pool) return false;
    if (field === 'replicas') return Number(index) >= Number(to);
    return effect === 'rolling' || (path === `spec.workers[${pool}]` && to === undefined);
  });
}

/** The node that an effect took away, or its disk, as the watched hypervisor counts it. */
export function harmedBy(made: string): string | undefined {
  const [, machine, disk] =
    /^(?:destroy|undefine) (\S+)$|^no volume (\S+)-[0-9a-f]{8}\.qcow2$/.exec(made) ?? [];
  return machine ?? disk;
}
