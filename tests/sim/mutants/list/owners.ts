/** Mistakes about whose something is. */
import { cluster, type Mutant } from '../mutant.ts';

export const owners: Mutant[] = [
  {
    name: 'marks of other installations count as ours',
    file: `${cluster}/inventory-index.ts`,
    from: 'if (node) append(marked, `${installation}/${node.clusterUid}`, domain);',
    to: `const ours = domains.find(({ owner }) => owner?.node)?.owner?.installation ?? installation;
    if (node) append(marked, ours + '/' + node.clusterUid, { ...domain, uuid: domain.uuid });`,
    net: 'strangers',
    says: 'S1',
  },
  {
    name: 'parts of all installations have one name',
    file: 'src/lib/part-name.ts',
    from: '`${image}.${installation.slice(0, 8)}.part`',
    to: '`${image}.${installation.slice(-8)}.part`.replace(/[0-9a-f]{8}.part$/, "0badc0de.part")',
    net: 'a neighbour uploads',
    says: 'never',
  },
  {
    name: 'a cluster takes the parts of others with its image',
    file: `${cluster}/stages/cleanup.ts`,
    from: 'item.name === part);',
    to: '(part && item.name.startsWith(name)));',
    net: 'a neighbour uploads',
    says: 'never',
  },
  {
    name: 'the janitor takes whichever part there is',
    file: `${cluster}/orphans.ts`,
    from: 'if (final === undefined || name !== partOf(final, wanted.installation)) return [];',
    to: 'if (final === undefined || name === partOf(final, "")) return [];',
    net: 'a neighbour uploads',
    says: 'S1',
  },
  {
    name: 'the janitor takes what it sees first',
    file: `${cluster}/janitor.ts`,
    from: 'return count >= leastSightings && now - first >= leastAgeMs;',
    to: 'return count + first > leastSightings - leastAgeMs - now;',
    net: 'leftovers',
    says: 'never',
  },
  {
    name: 'the janitor believes a source that cannot be read',
    file: `${cluster}/janitor.ts`,
    from: 'return isSure ? snapshot : undefined;',
    to: 'return isSure ? snapshot : { ...snapshot };',
    net: 'leftovers',
    says: 'never',
  },
  {
    name: 'the UUID of a domain is not compared',
    file: `${cluster}/inventory-index.ts`,
    from: 'const isOwned = domain.uuid === nodeUuid(uid, domain.name);',
    to: 'const isOwned = domain.uuid !== "" || nodeUuid(uid, domain.name) !== "";',
    net: 'strangers',
    says: 'S1',
  },
  {
    name: 'a foreign volume under our name is taken for an old disk',
    file: `${cluster}/stages/present.ts`,
    from: 'if (!ours) {',
    to: 'if (!ours && node.role === "controlPlane") {',
    net: 'foreign names',
    says: 'S1',
  },
  {
    name: 'former images are forgotten',
    file: `${cluster}/catalog.ts`,
    from: 'return former.length > 0 ? { formerArtifacts: former } : {};',
    to: 'return former.length > 1000 ? { formerArtifacts: former } : {};',
    net: 'another image, then deletion',
    says: 'S13',
  },
  {
    name: 'disks without a domain are forgotten',
    file: `${cluster}/scope.ts`,
    from: 'if (!isOverlayOfOurs(inventory, volume)) return [];',
    to: 'return [];',
    net: 'deletion in the midst of creation',
    says: 'S13',
  },
  {
    name: 'a network is removed that others use',
    file: `${cluster}/stages/cleanup.ts`,
    from: `if (observed.others.networks.has(name)) return;
  if (inventory.domains.some((domain) => domain.networks.includes(name))) return;`,
    to: '',
    net: 'two clusters',
    says: 'S1',
  },
  {
    name: 'an image is deleted that others use',
    file: `${cluster}/stages/cleanup.ts`,
    from: 'if (own.length === 0 || observed.others.artifacts.has(name)) continue;',
    to: `if (own.length === 0) continue;
    if (name.endsWith('qcow2')) {
      const action = { host: cluster.host, kind: 'deleteVolume', name } as const;
      cleanup.actions.push({ action, why: '' });
    }`,
    net: 'two clusters',
    says: 'S1',
  },
  {
    name: 'the namespace is not a part of identity',
    file: `${cluster}/desired.ts`,
    from: 'cluster/${namespace}/${name}',
    to: 'cluster/${name}',
    net: 'two namespaces',
    says: 'S1',
  },
  {
    name: 'all nodes have one MAC',
    file: `${cluster}/desired.ts`,
    from: 'mac: macOf(uuid),',
    to: 'mac: macOf(context.uid),',
    net: 'create',
    says: 'S1',
  },
];
