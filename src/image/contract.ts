/**
 * The contract of a guest image, as a pure judgement over what was seen in a booted guest.
 * Each check is named after what must hold; a failed one says what was found instead.
 * It knows nothing of how the guest was booted or asked.
 */

export type GuestFacts = {
  leaseClientId: string;
  mac: string;
  domainUuid: string;
  productUuid: string;
  machineId: string;
  systemState: string;
  failedUnits: readonly string[];
  hostKeys: readonly string[];
  authorizedKeys: readonly string[];
  injectedKey: string;
  rootBytes: number;
  diskBytes: number;
  nameServers: readonly string[];
  missingPrograms: readonly string[];
  activeDaemons: readonly string[];
  enabledDaemons: readonly string[];
  /** Paths in the untouched image that belong to one machine or to the build. */
  leftovers: readonly string[];
};

export type CheckResult = { name: string; ok: boolean; detail: string };

/** What an image must bring for each thing that it says it provides. */
export const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  slurm: ['slurmctld', 'slurmd', 'munged', 'srun', 'sinfo', 'scontrol', 'squeue'],
};

/** Daemons that must wait until a node is given its role. */
export const DAEMONS: Readonly<Record<string, readonly string[]>> = {
  slurm: ['slurmctld.service', 'slurmd.service', 'munge.service'],
};

export function judgeContract(facts: GuestFacts): CheckResult[] {
  const clientId = `01:${facts.mac}`.toLowerCase();
  const machineId = facts.machineId.toLowerCase();
  const grown = facts.rootBytes / facts.diskBytes;
  return [
    check('DHCP by MAC address', facts.leaseClientId.toLowerCase() === clientId, [
      `client id ${facts.leaseClientId}, wanted ${clientId}`,
    ]),
    check('name servers from DHCP', facts.nameServers.length > 0, facts.nameServers),
    check(
      'SMBIOS product UUID is the domain UUID',
      facts.productUuid.toLowerCase() === facts.domainUuid.toLowerCase(),
      [facts.productUuid],
    ),
    check('machine-id made at boot', /^[0-9a-f]{32}$/.test(machineId), [facts.machineId]),
    check(
      'systemd running, no unit failed',
      ['running', 'degraded'].includes(facts.systemState) && facts.failedUnits.length === 0,
      [facts.systemState, ...facts.failedUnits],
    ),
    check(
      'one SSH host key, ed25519',
      facts.hostKeys.length === 1 && facts.hostKeys.every((name) => name.includes('ed25519')),
      facts.hostKeys,
    ),
    check(
      'only the injected key is authorised',
      facts.authorizedKeys.length === 1 && facts.authorizedKeys[0] === facts.injectedKey,
      [`${facts.authorizedKeys.length} keys`],
    ),
    check('root file system as large as the disk', grown > 0.9, [`${(grown * 100).toFixed(0)} %`]),
    check('programs present', facts.missingPrograms.length === 0, facts.missingPrograms),
    check(
      'daemons wait for a role',
      facts.activeDaemons.length + facts.enabledDaemons.length === 0,
      [...facts.activeDaemons, ...facts.enabledDaemons],
    ),
    check('no leftovers in the image', facts.leftovers.length === 0, facts.leftovers),
  ];
}

function check(name: string, ok: boolean, found: readonly string[]): CheckResult {
  return { name, ok, detail: found.join(', ').slice(0, 500) };
}
