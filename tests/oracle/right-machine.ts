/** S11: a command runs in the machine that it is meant for, which is one of ours. */
import type { Checker } from './checker.ts';
import type { Truth } from './truth.ts';

export const rightMachine: Checker = {
  id: 'S11',
  asked: ({ effect, truth, memory }) => {
    if (effect.kind !== 'guest') return [];
    const domains = truth.hosts.flatMap((host) => host.domains);
    const domain = domains.find(({ uuid }) => uuid === effect.uuid);
    // It may have gone a moment ago: then nobody answers.
    if (domain === undefined) return [];
    if (domain.owner !== undefined && !memory.lineage.isOurs(domain)) {
      return [`a command for ${effect.node} goes to ${domain.name}, which is not ours`];
    }
    return domain.name === effect.node
      ? []
      : [`a command for ${effect.node} goes to ${domain.name}`];
  },
  done: ({ effect, before, after, failed }) => {
    if (effect.kind !== 'guest' || failed) return [];
    const [was, now] = [behind(before, effect.address), behind(after, effect.address)];
    if (was.includes(effect.uuid) || now.includes(effect.uuid)) return [];
    if (was.length === 0 || now.length === 0) return [];
    return [`a command for ${effect.node} was taken by the machine at ${effect.address}`];
  },
};

/** UUIDs of the machines that may have that address. */
function behind({ hosts }: Truth, address: string): string[] {
  return hosts.flatMap(({ networks, domains }) => {
    const macs = networks
      .flatMap(({ leases }) => leases)
      .filter((lease) => lease.address === address)
      .map(({ mac }) => mac);
    return domains.filter(({ mac }) => macs.includes(mac)).map(({ uuid }) => uuid);
  });
}
