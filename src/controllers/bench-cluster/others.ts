/**
 * What the other clusters of a host want to keep, so that the last of them, and only it, removes
 * what they share. Pure.
 */
import { qualifiedName } from '../../crd/references.ts';
import type { ClusterRecord } from '../ports.ts';
import { clusterKey } from './catalog.ts';
import { artifactVolumes } from './desired.ts';
import type { Observed } from './observed.ts';

export function wantedByOthers(
  key: string,
  own: ClusterRecord,
  records: readonly ClusterRecord[],
): Observed['others'] {
  const hostName = qualifiedName(own.host.metadata);
  const others = records.filter(
    ({ cluster, host, deletionTimestamp }) =>
      clusterKey(cluster.metadata) !== key &&
      qualifiedName(host.metadata) === hostName &&
      deletionTimestamp === undefined,
  );
  return {
    networks: new Set(others.map(({ cluster }) => cluster.spec.network.name)),
    artifacts: new Set(others.flatMap(({ images }) => artifactVolumes(images))),
    guests: guestsOf(others),
  };
}

/** As their last rounds saw them: one host that loses its network shows in all its clusters. */
function guestsOf(records: readonly ClusterRecord[]): { nodes: number; silent: number } {
  const nodes = records.flatMap(({ status }) => status?.nodes ?? []);
  const silent = nodes.filter(({ unhealthy }) => unhealthy?.reason === 'Unreachable');
  return { nodes: nodes.length, silent: silent.length };
}
